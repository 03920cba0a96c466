import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer, type RpcError, serverStream, service, type, unary } from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { expect, test } from "vitest";

const Careless = service("test.v1.Careless", {
  one: unary({ input: type<string>(), output: type<unknown>() }),
  many: serverStream({ input: type<string>(), output: type<unknown>() }),
});

test("a response that cannot be encoded ends its call alone: the caller hears little, the server all", async () => {
  const { client: transport, server: place } = memory();
  const heard: RpcError[] = [];
  await using server = createServer({ codecs: [cbor()], onError: (error) => heard.push(error) });
  server.add(Careless, {
    one: (input) => (input === "bad" ? { inner: () => {} } : input),
    async *many() {
      yield 1;
      yield () => {};
    },
  });
  await server.listen(place);
  await using _ = transport;
  const client = createClient(Careless, { transport, codec: cbor() });

  await expect(client.one("bad")).rejects.toMatchObject({
    code: "INTERNAL",
    rawMessage: "test.v1.Careless/one: the response cannot be encoded",
    processed: "yes",
  });
  expect(heard.map((error) => error.rawMessage)).toEqual([expect.stringContaining("inner")]);

  const got: unknown[] = [];
  const stream = (async () => {
    for await (const message of client.many("")) got.push(message);
  })();
  await expect(stream).rejects.toMatchObject({ code: "INTERNAL", processed: "yes" });
  expect(got).toEqual([1]);
  expect(heard).toHaveLength(2);
  expect(await client.one("good")).toBe("good");
});
