/** What to do about what OpenSSL and Node report during a TLS handshake, by error code. */
const advice: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "the peer's certificate is self-signed; pass it as tls.ca to trust it",
  SELF_SIGNED_CERT_IN_CHAIN: "the peer's certificate comes from an authority that is not trusted; pass that as tls.ca",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the peer's certificate comes from an unknown authority; pass that as tls.ca",
  UNABLE_TO_GET_ISSUER_CERT: "the peer showed no certificate, or one from an unknown authority; see tls.ca",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the peer's certificate comes from an unknown authority; pass that as tls.ca",
  CERT_SIGNATURE_FAILURE: "the peer's certificate was not signed by the authority it names; look at tls.ca",
  CERT_HAS_EXPIRED: "the peer's certificate has expired",
  CERT_NOT_YET_VALID: "the peer's certificate is not valid yet; are both clocks right?",
  CERT_REVOKED: "the peer's certificate was revoked",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "the server's certificate is for another name; pass the one it is for as tls.servername",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "the client showed no certificate; it needs tls.cert and tls.key",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server wants a client certificate; pass tls.cert and tls.key",
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    "the peer refused the handshake: no cipher or version in common, or a client certificate is missing (tls.cert, tls.key)",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the peer does not trust our certificate's authority; look at the peer's tls.ca",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the peer rejected our certificate",
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: "our certificate has expired",
  ERR_SSL_WRONG_VERSION_NUMBER: "the peer does not speak TLS, or not on this port",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "the peer does not speak TLS, or not on this port",
  ERR_SSL_HTTP_REQUEST: "the peer speaks HTTP, not TLS",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: "the two ends have no TLS version in common; look at tls.minVersion",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "the two ends have no TLS version in common; look at tls.minVersion",
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: `the peer does not offer "farcall" (ALPN): it is another kind of server`,
  ERR_SSL_NO_APPLICATION_PROTOCOL: `the peer does not offer "farcall" (ALPN): it is another kind of client`,
  ERR_TLS_HANDSHAKE_TIMEOUT: "the peer did not finish the TLS handshake in time; does it speak TLS?",
};

/** The same error with a message that says what to do, where there is something to say; its code and cause stay. */
export function explainTlsError(error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : advice[code];
  return known === undefined ? error : Object.assign(new Error(`${known} (${code})`, { cause: error }), { code });
}

/**
 * Tells a plain client that it talks to a TLS server: the first bytes are exactly one alert record, and Farcall's own
 * never begin like that.
 */
export function detectTlsServer(chunk: Uint8Array): Error | undefined {
  const alert = chunk.length === 7 && isTlsRecord(chunk, 0x15) && chunk[3] === 0 && chunk[4] === 2;
  return alert ? new Error("the server speaks TLS and this client does not; pass the option tls") : undefined;
}

/** Tells a plain server that its client wants TLS: the first bytes are a ClientHello. */
export function detectTlsClient(chunk: Uint8Array): Error | undefined {
  const hello = chunk.length > 9 && isTlsRecord(chunk, 0x16) && chunk[5] === 1;
  return hello ? new Error("the client speaks TLS and this server does not; pass the option tls") : undefined;
}

/** What a plain client thinks when the connection ends before the server has said anything. */
export function silentServer(): Error {
  return new Error("the server ended the connection without a word: it may want TLS (the option tls), or be full");
}

/** What a TLS client thinks when the connection ends before the server has said anything inside of it. */
export function silentTlsServer(): Error {
  return new Error(
    "the server ended the connection after the TLS handshake; it may not accept the client's certificate",
  );
}

function isTlsRecord(chunk: Uint8Array, kind: number): boolean {
  return chunk[0] === kind && chunk[1] === 3 && (chunk[2] as number) <= 4;
}
