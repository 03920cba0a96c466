import { json } from "@farcall/codec/json";
import { createClient, createServer, service, serverStream, unary } from "@farcall/core";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { memory, type MemoryOptions } from "../src/index.ts";
import { viaMessage } from "../src/next-turn.ts";

const Numbers = service("test.v1.Numbers", {
  add: unary({
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ total: z.number() }),
    effect: "pure",
  }),
  never: unary({ input: z.object({}), output: z.object({}) }),
  count: serverStream({ input: z.object({}), output: z.object({ n: z.number(), text: z.string() }) }),
});

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const end of ending.splice(0).reverse()) await end();
});

/** A server on one end and a stub on the other. */
async function start(options?: MemoryOptions) {
  const { client: transport, server: listener, cut } = memory(options);
  const server = createServer({ codecs: [json()] });
  let produced = 0;
  const called = Promise.withResolvers<void>();
  server.add(Numbers, {
    add: ({ a, b }) => ({ total: a + b }),
    never: () => {
      called.resolve();
      return new Promise(() => {});
    },
    async *count() {
      for (let n = 0; n < 100_000; n++) yield { n: produced++, text: "x".repeat(1_000) };
    },
  });
  const listening = await server.listen(listener);
  ending.push(
    () => server.close({ graceMs: 0 }),
    () => transport.close(),
  );
  return {
    stub: createClient(Numbers, { transport, codec: json() }),
    listening,
    cut,
    called: called.promise,
    produced: () => produced,
  };
}

test("calls arrive and are answered", async () => {
  const { stub, listening } = await start();
  expect(listening.address).toBe("memory");
  const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => stub.add({ a: i, b: 1 })));
  expect(answers.map(({ total }) => total)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
});

test("a reader that takes its time holds back the writer", async () => {
  const { stub, produced } = await start();
  for await (const { n } of stub.count({})) {
    if (n === 10) break;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(produced()).toBeLessThan(10_000);
});

test("cut ends open calls, and the next call connects anew", async () => {
  const { stub, cut, called } = await start();
  const call = stub.never({});
  await called;
  cut();
  await expect(call).rejects.toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  expect(await stub.add({ a: 1, b: 2 })).toEqual({ total: 3 });
});

test("a call while nobody listens is UNAVAILABLE and provably not processed", async () => {
  const { client: transport } = memory();
  ending.push(() => transport.close());
  const call = createClient(Numbers, { transport, codec: json() }).add({ a: 1, b: 2 });
  await expect(call).rejects.toMatchObject({ code: "UNAVAILABLE", processed: "no" });
});

/** A stub whose first call came before anybody listened, and the server that listens now. */
async function startLate(options?: MemoryOptions) {
  const { client: transport, server: listener } = memory(options);
  const server = createServer({ codecs: [json()] });
  ending.push(
    () => server.close({ graceMs: 0 }),
    () => transport.close(),
  );
  const stub = createClient(Numbers, { transport, codec: json() });
  await expect(stub.add({ a: 1, b: 2 })).rejects.toThrow(/nobody listens/);
  const patient = stub.add({ a: 1, b: 2 }, { waitForReady: true });
  server.add(Numbers, { add: ({ a, b }) => ({ total: a + b }), never: () => ({}), count: () => [] });
  await server.listen(listener);
  return { stub, patient };
}

test("a call that came too early spoils nothing for the next", async () => {
  const { stub, patient } = await startLate();
  expect(await stub.add({ a: 1, b: 2 })).toEqual({ total: 3 });
  expect(await patient).toEqual({ total: 3 });
});

test("a client may be told to back off as over a network", async () => {
  const { stub, patient } = await startLate({ client: { backoff: { initialMs: 200, jitter: 0 } } });
  await expect(stub.add({ a: 1, b: 2 })).rejects.toThrow(/nobody listens/);
  expect(await patient).toEqual({ total: 3 });
});

test("a second server on the same pair is refused", async () => {
  const { server } = memory();
  const first = createServer({ codecs: [json()] });
  const second = createServer({ codecs: [json()] });
  ending.push(
    () => first.close({ graceMs: 0 }),
    () => second.close({ graceMs: 0 }),
  );
  await first.listen(server);
  await expect(second.listen(server)).rejects.toThrow(/has a listener already/);
});

test("fake timers don't stop the bytes", async () => {
  vi.useFakeTimers();
  const { stub } = await start();
  expect(await stub.add({ a: 1, b: 2 })).toEqual({ total: 3 });
});

test("turns without setImmediate, as in a browser, come in order and after microtasks", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    viaMessage(() => order.push("first turn"));
    viaMessage(() => resolve(void order.push("second turn")));
    queueMicrotask(() => order.push("microtask"));
  });
  expect(order).toEqual(["microtask", "first turn", "second turn"]);
});
