import type { ServerTransport } from "@farcall/core";
import { wireServer, type WireServerOptions } from "@farcall/wire";
import { tcpListener, type TcpListenerOptions } from "./tcp-listener.ts";

/** What `tcpServer()` can be told. */
export type TcpServerOptions = WireServerOptions & TcpListenerOptions;

/**
 * Answers calls over TCP, TLS or a Unix socket: `tcpServer({ port: 7001 })`, `tcpServer({ path: "/run/app.sock" })`.
 * Listens on 127.0.0.1 unless `host` says otherwise.
 *
 * @throws TypeError when port, host or path can't be right; Error of OpenSSL when a certificate or key is none.
 */
export function tcpServer(options: TcpServerOptions): ServerTransport {
  return wireServer(tcpListener(options), options);
}
