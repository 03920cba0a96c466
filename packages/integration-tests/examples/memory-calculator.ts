import { json } from "@farcall/codec/json";
import { createClient, createServer, service, unary } from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

// In your project these two are imported.
const Calculator = service("calculator.v1.Calculator", {
  add: unary({ input: z.object({ a: z.number(), b: z.number() }), output: z.object({ total: z.number() }) }),
});
const handlers = { add: ({ a, b }: { a: number; b: number }) => ({ total: a + b }) };

const { client: transport, server: listener, cut } = memory();
const server = createServer({ codecs: [json()] }).add(Calculator, handlers);
const calculator = createClient(Calculator, { transport, codec: json() });

beforeAll(() => server.listen(listener));
afterAll(async () => {
  await transport.close();
  await server.close();
});

test("adds", async () => {
  expect(await calculator.add({ a: 1, b: 2 })).toEqual({ total: 3 });
});

test("a connection breaks while a call is open", async () => {
  await calculator.add({ a: 1, b: 2 }); // now there is a connection
  const call = calculator.add({ a: 3, b: 4 });
  cut();
  await expect(call).rejects.toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  expect(await calculator.add({ a: 5, b: 6 })).toEqual({ total: 11 }); // on a new connection
});
