import { connect as connectPlain, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { expect, test } from "vitest";
import { tcpConnector } from "../src/tcp-connector.ts";
import { tcpListener } from "../src/tcp-listener.ts";
import { splitAltNames } from "../src/tls-peer.ts";
import { createAuthority } from "./certificates.ts";
import { connect, listen } from "./ends.ts";

const authority = createAuthority();
const stranger = createAuthority("Nobody's Authority");
const ca = authority.cert;
const server = authority.issue({ commonName: "server", ipv4: ["127.0.0.1"], dnsNames: ["localhost"] });
const client = authority.issue({ commonName: "client", uris: ["spiffe://example/client"], dnsNames: ["a,b.example"] });

/** Collects what the listener says of connections that never came to be. */
function errors() {
  const seen: Error[] = [];
  return { seen, onConnectionError: (error: Error) => void seen.push(error) };
}

test("each end knows who the other is", async () => {
  const { address, accepted } = await listen({ port: 0, tls: { ...server, ca, requestCert: true } });
  const end = await connect(address, { tls: { ca, ...client } });
  expect(end.connection.peer).toMatchObject({
    address,
    transport: "tls",
    tls: { authorized: true, commonName: "server", subjectAltNames: ["DNS:localhost", "IP Address:127.0.0.1"] },
  });
  await expect.poll(() => accepted.length).toBe(1);
  expect(accepted[0]?.connection.peer.tls).toEqual({
    authorized: true,
    commonName: "client",
    // Node writes a comma inside of a name so that nobody takes it for two.
    subjectAltNames: [String.raw`DNS:"a\u002cb.example"`, "URI:spiffe://example/client"],
    fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
    alpnProtocol: "farcall",
    protocol: "TLSv1.3",
  });
});

test("a client without a certificate is nobody, unless one is asked for", async () => {
  const { address, accepted } = await listen({ port: 0, tls: server });
  await connect(address, { tls: { ca } });
  await expect.poll(() => accepted.length).toBe(1);
  expect(accepted[0]?.connection.peer.tls).toMatchObject({ authorized: false, subjectAltNames: [] });
});

test("rejectUnauthorized: false lets a stranger in and says so", async () => {
  const tls = { ...server, ca, requestCert: true, rejectUnauthorized: false };
  const { address, accepted } = await listen({ port: 0, tls });
  await connect(address, { tls: { ca, ...stranger.issue({ commonName: "mallory" }) } });
  await expect.poll(() => accepted.length).toBe(1);
  expect(accepted[0]?.connection.peer.tls).toMatchObject({ authorized: false, commonName: "mallory" });
});

test("servername is whom the certificate must name", async () => {
  const named = authority.issue({ commonName: "named", dnsNames: ["api.example"] });
  const { address } = await listen({ port: 0, tls: named });
  await connect(address, { tls: { ca, servername: "api.example" } });
  await expect(connect(address, { tls: { ca } })).rejects.toThrow(/another name.*tls\.servername/);
});

test("a server certificate that is not trusted, or has expired, is rejected with what to do", async () => {
  const { address } = await listen({ port: 0, tls: server });
  await expect(connect(address, { tls: true })).rejects.toThrow(/pass that as tls\.ca/);
  const expired = authority.issue({ commonName: "old", ipv4: ["127.0.0.1"], days: -1 });
  const { address: old } = await listen({ port: 0, tls: expired });
  await expect(connect(old, { tls: { ca } })).rejects.toThrow(/has expired/);
});

test("mutual TLS: a client without a certificate hears that it needs one", async () => {
  const { seen, onConnectionError } = errors();
  const { address, accepted } = await listen({ port: 0, tls: { ...server, ca, requestCert: true }, onConnectionError });
  // In TLS 1.3 the client's handshake is over before the server has looked at its certificate.
  const error = await connect(address, { tls: { ca } }).then(
    ({ closed }) => closed,
    (reason: Error) => reason,
  );
  expect(error?.message).toMatch(/tls\.cert and tls\.key|client's certificate/);
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.message).toMatch(/the client showed no certificate/);
  expect(accepted).toEqual([]);
});

test("mutual TLS: a client with a stranger's certificate is turned away", async () => {
  const { seen, onConnectionError } = errors();
  const { address, accepted } = await listen({ port: 0, tls: { ...server, ca, requestCert: true }, onConnectionError });
  const tls = { ca, ...stranger.issue({ commonName: "mallory" }) };
  const error = await connect(address, { tls }).then(
    ({ closed }) => closed,
    (reason: Error) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.message).toMatch(/authority/);
  expect(accepted).toEqual([]);
});

test("a plain client of a TLS server is told to use TLS", async () => {
  const { seen, onConnectionError } = errors();
  const { address } = await listen({ port: 0, tls: server, onConnectionError });
  const end = await connect(address);
  end.connection.write(new TextEncoder().encode("this is not TLS"));
  expect(String(await end.closed)).toMatch(/it may want TLS|the server speaks TLS/);
  expect(end.bytes).toEqual([]);
  expect(seen[0]?.message).toMatch(/does not speak TLS/);
});

test("a TLS client of a plain server is told so, at both ends", async () => {
  const { address, accepted } = await listen({ port: 0 });
  await expect(connect(address, { tls: { ca } })).rejects.toThrow(/during the TLS handshake; does it speak TLS\?/);
  expect(String(await accepted[0]?.closed)).toMatch(/the client speaks TLS/);
  expect(accepted[0]?.bytes).toEqual([]);
});

test("a server that answers a TLS client with something else is named as such", async () => {
  const plain = createServer((socket) =>
    socket
      .on("error", () => {})
      .resume()
      .end("220 smtp.example ESMTP ready and waiting\r\n"),
  );
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const { port } = plain.address() as { port: number };
  await expect(connect(`127.0.0.1:${port}`, { tls: { ca } })).rejects.toThrow(/does not speak TLS/);
  await new Promise((resolve) => plain.close(resolve));
});

test("another application's protocol is refused (ALPN)", async () => {
  const { seen, onConnectionError } = errors();
  const { address } = await listen({ port: 0, tls: server, onConnectionError });
  const other = connectTls({ port: Number(address.split(":")[1]), host: "127.0.0.1", ca, ALPNProtocols: ["h2"] });
  await new Promise((resolve) => other.once("error", resolve));
  await expect.poll(() => seen.length).toBe(1);
  expect(seen[0]?.message).toMatch(/another kind of client|farcall/);
});

test("a handshake that trickles in is ended by the timeout, whatever keeps arriving", async () => {
  const { seen, onConnectionError } = errors();
  const { address } = await listen({ port: 0, tls: server, tlsHandshakeTimeoutMs: 50, onConnectionError });
  const slow = connectPlain(Number(address.split(":")[1]), "127.0.0.1").on("error", () => {});
  const hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
  const trickle = setInterval(() => slow.write(new Uint8Array([hello.shift() ?? 0])), 10);
  await new Promise((resolve) => slow.once("close", resolve));
  clearInterval(trickle);
  expect(seen[0]?.message).toMatch(/did not finish the TLS handshake in time/);
});

test("closing the listener ends handshakes that are under way", async () => {
  const bound = await tcpListener({ port: 0, tls: server }).listen(() => {});
  const slow = connectPlain(Number(bound.address.split(":")[1]), "127.0.0.1").on("error", () => {});
  const ended = new Promise((resolve) => slow.once("close", resolve));
  await new Promise((resolve) => slow.once("connect", resolve));
  await bound.close();
  slow.resume();
  await ended;
});

test("certificates and keys that are none throw when the transport is made", () => {
  expect(() => tcpListener({ port: 0, tls: { cert: "junk", key: "junk" } })).toThrow(/PEM|no start line/i);
  expect(() => tcpConnector({ host: "a", port: 1 }, { tls: { cert: "junk", key: "junk" } })).toThrow(
    /PEM|no start line/i,
  );
});

test("names with commas stay whole", () => {
  expect(splitAltNames(`DNS:"a, \\"b\\"", URI:spiffe://x/y, IP Address:127.0.0.1`)).toEqual([
    `DNS:"a, \\"b\\""`,
    "URI:spiffe://x/y",
    "IP Address:127.0.0.1",
  ]);
  expect(splitAltNames("")).toEqual([]);
});
