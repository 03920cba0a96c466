import type { ClientTransport } from "@farcall/core";
import { wireClient, type WireClientOptions } from "@farcall/wire";
import type { Place } from "./address.ts";
import { tcpConnector, type TcpConnectorOptions } from "./tcp-connector.ts";

/** What `tcp()` can be told. */
export interface TcpOptions extends WireClientOptions, TcpConnectorOptions {}

/**
 * Calls over TCP, TLS or a Unix socket. It connects when the first call needs it.
 *
 * @param address `"host:port"`, `"[ipv6]:port"`, `"unix:/path"`, `{ host, port }` or `{ path }`.
 * @throws TypeError when the address can't be right; Error of OpenSSL when a certificate or key is none.
 */
export function tcp(address: string | Place, options: TcpOptions = {}): ClientTransport {
  return wireClient(tcpConnector(address, options), options);
}
