import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { BoundListener, Connection, Listener } from "@farcall/wire";
import { emptyAcceptQueue } from "./accept-queue.ts";
import { formatHostPort } from "./address.ts";
import { explainListenError } from "./listen-error.ts";
import { SocketConnection } from "./socket-connection.ts";
import { removeStaleSocket } from "./stale-socket.ts";
import { type TlsServerOptions, tlsAcceptor } from "./tls-accept.ts";
import { detectTlsClient } from "./tls-error.ts";
import { peerIdentity } from "./tls-peer.ts";

/** What `tcpServer()` can be told about its sockets. One of `port` and `path` is required. */
export interface TcpListenerOptions {
  /** 0 takes a free one. */
  readonly port?: number | undefined;
  /** Interface to listen on. Default `"127.0.0.1"`: this machine only. `"0.0.0.0"` and `"::"` are every interface. */
  readonly host?: string | undefined;
  /** Unix socket (or Windows named pipe) to listen on, instead of `port`. */
  readonly path?: string | undefined;
  /** Certificate and key, and for mutual TLS `ca` with `requestCert`. Default: no TLS. */
  readonly tls?: TlsServerOptions | undefined;
  /** Time that a client has for the TLS handshake, ms. Default 10,000. */
  readonly tlsHandshakeTimeoutMs?: number | undefined;
  /** Connections that the system keeps waiting. Default 511. */
  readonly backlog?: number | undefined;
  /**
   * Lets several processes or threads listen on the port; the system spreads connections over them. Not needed under
   * `node:cluster`, which shares one socket. Linux and some BSDs; elsewhere `listen` rejects. Default `false`.
   */
  readonly reusePort?: boolean | undefined;
  /** With `host: "::"`: no IPv4. Default `false`. */
  readonly ipv6Only?: boolean | undefined;
  /** Hears of connections that never came to be: failed TLS handshakes, failed accepts. Must not throw. */
  readonly onConnectionError?: ((error: Error, peer: string) => void) | undefined;
}

const defaultBacklog = 511;

/** @throws TypeError when port, host or path can't be right; Error of OpenSSL when a certificate or key is none. */
export function tcpListener(options: TcpListenerOptions): Listener {
  const where = listenOptions(options);
  const { path, tls, tlsHandshakeTimeoutMs: timeoutMs = 10_000 } = options;
  const { backlog = defaultBacklog } = where;
  const report = options.onConnectionError ?? (() => {});

  async function listen(accept: (connection: Connection) => void): Promise<BoundListener> {
    const nameOf = (socket: Socket): string =>
      path !== undefined ? `unix:${path}` : formatHostPort(socket.remoteAddress ?? "unknown", socket.remotePort ?? 0);
    const plain = (socket: Socket): void => {
      const peer = { address: nameOf(socket), transport: path === undefined ? "tcp" : "unix" };
      accept(new SocketConnection(socket, peer, { suspicion: { firstChunk: detectTlsClient } }));
    };
    const secured = (socket: TLSSocket): void =>
      accept(new SocketConnection(socket, { address: nameOf(socket), transport: "tls", tls: peerIdentity(socket) }));
    const failed = (error: Error, socket: Socket): void => report(error, nameOf(socket));
    const handshakes = tls && tlsAcceptor({ tls, timeoutMs, secured, failed });

    const server = createServer({ noDelay: true }, handshakes ? (socket) => handshakes.accept(socket) : plain);
    await bind(server, where);
    const address = addressOf(server);
    server.on("error", (error) => report(error, address));
    return {
      address,
      async close() {
        await emptyAcceptQueue(server, backlog);
        handshakes?.close();
        // The address is free as soon as this resolves; the callback would wait for open connections too.
        server.close();
      },
    };
  }

  if (tls !== undefined) tlsAcceptor({ tls, timeoutMs, secured() {}, failed() {} });
  return { listen };
}

function listenOptions(options: TcpListenerOptions): ListenOptions {
  const { port, host = "127.0.0.1", path, backlog = defaultBacklog, reusePort = false, ipv6Only = false } = options;
  if ((port === undefined) === (path === undefined)) throw new TypeError("a TCP server takes either port or path");
  if (path !== undefined) {
    if (typeof path !== "string" || path === "")
      throw new TypeError("the path of a Unix socket is a text that isn't empty");
    if (reusePort) throw new TypeError("a Unix socket has no port to share (reusePort); node:cluster can share it");
    return { path, backlog };
  }
  if (!Number.isInteger(port) || (port as number) < 0 || (port as number) > 65_535) {
    throw new TypeError(
      `a port is a number from 0 (any free one) to 65535, not ${JSON.stringify(port) ?? String(port)}`,
    );
  }
  if (typeof host !== "string" || host === "") {
    throw new TypeError(`host is an interface, for example "127.0.0.1" or "0.0.0.0" for all of them`);
  }
  return { port: port as number, host, backlog, reusePort, ipv6Only };
}

async function bind(server: Server, where: ListenOptions): Promise<void> {
  try {
    await listening(server, where);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (!taken || where.path === undefined || !(await removeStaleSocket(where.path)))
      throw explainListenError(error as NodeJS.ErrnoException, where);
    await listening(server, where);
  }
}

function listening(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(where, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function addressOf(server: Server): string {
  const bound = server.address() as AddressInfo | string;
  return typeof bound === "string" ? `unix:${bound}` : formatHostPort(bound.address, bound.port);
}
