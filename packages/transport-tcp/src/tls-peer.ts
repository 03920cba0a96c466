import type { TLSSocket } from "node:tls";
import type { PeerIdentity } from "@farcall/core";

/** What TLS proved about the other end of a socket whose handshake is done. */
export function peerIdentity(socket: TLSSocket): PeerIdentity {
  const certificate = socket.getPeerCertificate();
  const shown = Object.keys(certificate ?? {}).length > 0 ? certificate : undefined;
  // Node gives a list for a subject with several common names; no one of them is the name then.
  const commonName: unknown = shown?.subject?.CN;
  return {
    authorized: socket.authorized,
    commonName: typeof commonName === "string" ? commonName : undefined,
    subjectAltNames: splitAltNames(shown?.subjectaltname ?? ""),
    fingerprint256: shown?.fingerprint256,
    alpnProtocol: socket.alpnProtocol || undefined,
    protocol: socket.getProtocol() ?? undefined,
  };
}

/** Node joins names with `, ` and puts those that hold a comma or a quote between quotes. */
export function splitAltNames(names: string): string[] {
  return Array.from(names.matchAll(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g), ([name]) => name.trim());
}
