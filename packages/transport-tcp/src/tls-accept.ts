import type { Socket } from "node:net";
import type { TlsOptions, TLSSocket } from "node:tls";
import { nodeTls } from "./node-tls.ts";
import { alpnProtocol } from "./tls-client.ts";
import { explainTlsError } from "./tls-error.ts";

/** What a server may say about TLS: options of `tls.createServer` in `node:tls`. */
export type TlsServerOptions = Pick<
  TlsOptions,
  | "ca"
  | "cert"
  | "ciphers"
  | "crl"
  | "dhparam"
  | "ecdhCurve"
  | "honorCipherOrder"
  | "key"
  | "maxVersion"
  | "minVersion"
  | "passphrase"
  | "pfx"
  | "rejectUnauthorized"
  | "requestCert"
  | "secureContext"
  | "SNICallback"
>;

export interface TlsAcceptorOptions {
  readonly tls: TlsServerOptions;
  /** Time that a handshake may take, ms. */
  readonly timeoutMs: number;
  secured(socket: TLSSocket): void;
  failed(error: Error, socket: Socket): void;
}

/** Does the server's side of TLS handshakes on sockets that were accepted elsewhere. */
export interface TlsAcceptor {
  accept(socket: Socket): void;
  /** Ends handshakes that are under way. */
  close(): void;
}

/** @throws Error of OpenSSL when a certificate or key is not one. */
export function tlsAcceptor({ tls, timeoutMs, secured, failed }: TlsAcceptorOptions): TlsAcceptor {
  // A server that listens nowhere: `node:tls` verifies client certificates only inside of one.
  const server = nodeTls().createServer({ ...tls, handshakeTimeout: timeoutMs, ALPNProtocols: [alpnProtocol] });
  const underWay = new Map<string, Socket>();
  let open = true;

  server.on("secureConnection", (socket) => {
    underWay.delete(endsOf(socket));
    if (open) secured(socket);
    else socket.on("error", () => {}).destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    // A certificate that Node didn't like it names only here; the error is the reset that it did itself.
    const code = (socket.authorizationError as unknown as string | null) ?? undefined;
    const reason = code === undefined ? error : Object.assign(new Error(`client certificate: ${code}`), { code });
    if (open) failed(explainTlsError(reason), socket);
    socket.destroy();
  });

  return {
    accept(socket) {
      const ends = endsOf(socket);
      underWay.set(ends, socket);
      socket.once("close", () => {
        if (underWay.get(ends) === socket) underWay.delete(ends);
      });
      server.emit("connection", socket);
    },
    close() {
      open = false;
      for (const socket of underWay.values()) socket.destroy();
    },
  };
}

/**
 * Finds the plain socket of a secured one, which Node doesn't tell. Unix sockets have no such name: their handshakes are
 * bounded by the timeout alone.
 */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
