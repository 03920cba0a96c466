import { isIP, type Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { Place } from "./address.ts";
import { settled } from "./connect-socket.ts";
import { nodeTls } from "./node-tls.ts";
import { explainTlsError } from "./tls-error.ts";

/** The protocol that both ends name in the TLS handshake (ALPN). */
export const alpnProtocol = "farcall";

/** What a client may say about TLS: options of `tls.connect` in `node:tls`. */
export type TlsClientOptions = Pick<
  ConnectionOptions,
  | "ca"
  | "cert"
  | "checkServerIdentity"
  | "ciphers"
  | "crl"
  | "key"
  | "maxVersion"
  | "minVersion"
  | "passphrase"
  | "pfx"
  | "rejectUnauthorized"
  | "secureContext"
  | "servername"
>;

/** Does the TLS handshake on a connected socket. */
export type TlsHandshake = (socket: Socket, signal: AbortSignal) => Promise<TLSSocket>;

/**
 * Prepares TLS to one place: certificates and keys are read now, once.
 * @throws Error of OpenSSL when a certificate or key is not one.
 */
export function tlsHandshake(place: Place, tls: TlsClientOptions): TlsHandshake {
  const { connect, createSecureContext } = nodeTls();
  const host = "path" in place ? "localhost" : place.host;
  const options: ConnectionOptions = {
    ...tls,
    secureContext: tls.secureContext ?? createSecureContext(tls),
    // Whom the certificate must name.
    host,
    // Server name indication is for names only (RFC 6066 §3).
    ...(tls.servername === undefined && isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: [alpnProtocol],
  };
  return async (socket, signal) => {
    try {
      return await settled(connect({ ...options, socket }), "secureConnect", signal);
    } catch (error) {
      // Until it is wrapped, the plain socket has nobody else to end it.
      socket.destroy();
      throw signal.aborted ? error : handshakeFailed(error as NodeJS.ErrnoException);
    }
  };
}

function handshakeFailed(error: NodeJS.ErrnoException): Error {
  if (error.code !== undefined && error.code !== "ECONNRESET") return explainTlsError(error);
  const message = "the server ended the connection during the TLS handshake; does it speak TLS?";
  return Object.assign(new Error(message, { cause: error }), { code: error.code });
}
