import { lookup as dnsLookup } from "node:dns/promises";
import type { TLSSocket } from "node:tls";
import type { Connection, Connector } from "@farcall/wire";
import { formatAddress, formatHostPort, parseAddress, type Place } from "./address.ts";
import { connectSocket } from "./connect-socket.ts";
import { connectHost, type Lookup } from "./happy-eyeballs.ts";
import { SocketConnection } from "./socket-connection.ts";
import { type TlsClientOptions, tlsHandshake } from "./tls-client.ts";
import { detectTlsServer, silentServer, silentTlsServer } from "./tls-error.ts";
import { peerIdentity } from "./tls-peer.ts";

/** What `tcp()` can be told about its sockets. */
export interface TcpConnectorOptions {
  /** `true` trusts the authorities that Node trusts. Default `false`: no TLS. */
  readonly tls?: boolean | TlsClientOptions | undefined;
  /** Head start of one address of a host before the next, ms. Default 250 (RFC 8305 §5). */
  readonly attemptDelayMs?: number | undefined;
  /** Finds the addresses of a host. Default: `dns.lookup`, in the order that the system prefers. */
  readonly lookup?: Lookup | undefined;
}

/**
 * Connects sockets to one place: what `tcp()` is made of, for those who wrap a `Connector` or use it without calls.
 *
 * @param to As in `tcp()`.
 * @throws TypeError when the address can't be right; Error of OpenSSL when a certificate or key is none.
 */
export function tcpConnector(to: string | Place, options: TcpConnectorOptions = {}): Connector {
  const place = parseAddress(to);
  const { tls = false, attemptDelayMs = 250, lookup = systemLookup } = options;
  const handshake = tls === false ? undefined : tlsHandshake(place, tls === true ? {} : tls);
  const address = formatAddress(place);

  async function connect(signal: AbortSignal): Promise<Connection> {
    const socket =
      "path" in place
        ? await connectPath(place.path, signal)
        : await connectHost(place, signal, { lookup, attemptDelayMs });
    const to = "path" in place ? address : formatHostPort(socket.remoteAddress ?? place.host, place.port);
    if (handshake === undefined) {
      const peer = { address: to, transport: "path" in place ? "unix" : "tcp" };
      return new SocketConnection(socket, peer, {
        suspicion: { firstChunk: detectTlsServer, silentEnd: silentServer },
      });
    }
    const secured: TLSSocket = await handshake(socket, signal);
    const peer = { address: to, transport: "tls", tls: peerIdentity(secured) };
    return new SocketConnection(secured, peer, { suspicion: { silentEnd: silentTlsServer } });
  }

  return { address, connect };
}

async function connectPath(path: string, signal: AbortSignal) {
  try {
    return await connectSocket({ path }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file; is the server running?" : code;
    throw Object.assign(new Error(`could not connect to unix:${path}: ${reason}`, { cause: error }), { code });
  }
}

const systemLookup: Lookup = async (host) => {
  try {
    return await dnsLookup(host, { all: true, order: "verbatim" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(`could not find the address of ${host}: ${code}`, { cause: error }), { code });
  }
};
