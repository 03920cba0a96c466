import { json } from "@farcall/codec/json";
import { createClient, createServer, service, serverStream, unary } from "@farcall/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { tcp, tcpServer, type TcpOptions, type TcpServerOptions } from "../src/index.ts";
import { createAuthority } from "./certificates.ts";

const Echo = service("test.v1.Echo", {
  who: unary({ input: z.object({}), output: z.object({ name: z.string(), transport: z.string() }), effect: "pure" }),
  count: serverStream({ input: z.object({ to: z.number() }), output: z.object({ n: z.number() }) }),
});

const authority = createAuthority();
const certificates = authority.issue({ commonName: "server", ipv4: ["127.0.0.1"] });
const client = authority.issue({ commonName: "alice" });

async function serve(options: TcpServerOptions) {
  const server = createServer({ codecs: [json()] });
  server.add(Echo, {
    who: (_, { peer }) => ({ name: peer.tls?.commonName ?? "nobody", transport: peer.transport }),
    async *count({ to }) {
      for (let n = 0; n < to; n++) yield { n };
    },
  });
  const listening = await server.listen(tcpServer(options));
  return { server, address: listening.address };
}

const ways: Record<string, { server: TcpServerOptions; client: TcpOptions; answer: object }> = {
  TCP: { server: { port: 0 }, client: {}, answer: { name: "nobody", transport: "tcp" } },
  "mutual TLS": {
    server: { port: 0, tls: { ...certificates, ca: authority.cert, requestCert: true } },
    client: { tls: { ca: authority.cert, ...client } },
    answer: { name: "alice", transport: "tls" },
  },
};

test.each(Object.entries(ways))("calls go over %s, and the handler knows who called", async (_, way) => {
  const { server, address } = await serve(way.server);
  const transport = tcp(address, way.client);
  const echo = createClient(Echo, { transport, codec: json() });
  const answers = await Promise.all(Array.from({ length: 100 }, () => echo.who({})));
  expect(new Set(answers.map((one) => JSON.stringify(one)))).toEqual(new Set([JSON.stringify(way.answer)]));
  let count = 0;
  for await (const { n } of echo.count({ to: 5_000 })) expect(n).toBe(count++);
  expect(count).toBe(5_000);
  await transport.close();
  await server.close();
});

test("a call to where nobody listens is UNAVAILABLE, not processed, and says why", async () => {
  const { server, address } = await serve({ port: 0 });
  await server.close();
  await using transport = tcp(address);
  const error = await createClient(Echo, { transport, codec: json() })
    .who({})
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no", cause: { code: "ECONNREFUSED" } });
});

test("a call with TLS to a server without is UNAVAILABLE and says so", async () => {
  const { server, address } = await serve({ port: 0 });
  await using transport = tcp(address, { tls: true });
  const error = await createClient(Echo, { transport, codec: json() })
    .who({})
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
  expect(String((error as Error).cause)).toMatch(/TLS/);
  await server.close();
});
