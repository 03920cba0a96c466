import {
  createClient,
  createServer,
  detach,
  type RpcError,
  serverStream,
  service,
  tcp,
  tcpServer,
  unary,
} from "farcall";
import { expect, test } from "vitest";
import { z } from "zod";

const Backend = service("test.v1.Backend", {
  wait: unary({ input: z.object({}), output: z.object({}) }),
  timeLeft: unary({ input: z.object({}), output: z.object({ ms: z.number() }) }),
});
const Frontend = service("test.v1.Frontend", {
  wait: unary({ input: z.object({}), output: z.object({}) }),
  timeLeft: unary({ input: z.object({ detached: z.boolean() }), output: z.object({ ms: z.number() }) }),
  timesLeft: serverStream({ input: z.object({}), output: z.object({ ms: z.number() }) }),
});

/** A frontend whose handlers call a backend, and a client of it. */
async function twoTiers() {
  const backend = createServer();
  const cancelled = Promise.withResolvers<unknown>();
  backend.add(Backend, {
    wait: (_, context) =>
      new Promise((_resolve, reject) => {
        context.signal.addEventListener("abort", () => {
          cancelled.resolve(context.signal.reason);
          reject(context.signal.reason as RpcError);
        });
      }),
    // JSON has no infinity, and this test no need for it.
    timeLeft: (_, context) => ({ ms: Math.min(context.timeLeftMs(), 1e9) }),
  });
  const toBackend = tcp((await backend.listen(tcpServer({ port: 0 }))).address);
  const inner = createClient(Backend, { transport: toBackend });
  const frontend = createServer();
  frontend.add(Frontend, {
    wait: () => inner.wait({}),
    async timeLeft({ detached }) {
      // The context survives what a handler awaits.
      await new Promise(setImmediate);
      return detached
        ? detach(() => inner.timeLeft({}, { timeoutMs: 60_000 }))
        : inner.timeLeft({}, { timeoutMs: 60_000 });
    },
    async *timesLeft() {
      for (let i = 0; i < 3; i++) yield await inner.timeLeft({}, { timeoutMs: 60_000 });
    },
  });
  const toFrontend = tcp((await frontend.listen(tcpServer({ port: 0 }))).address);
  return {
    client: createClient(Frontend, { transport: toFrontend }),
    cancelled: cancelled.promise,
    async [Symbol.asyncDispose]() {
      await Promise.all([toFrontend.close(), toBackend.close()]);
      await Promise.all([frontend.close({ graceMs: 0 }), backend.close({ graceMs: 0 })]);
    },
  };
}

test("a call made in a handler has at most the time that is left of the handler's", async () => {
  await using tiers = await twoTiers();
  const { ms } = await tiers.client.timeLeft({ detached: false }, { timeoutMs: 10_000 });
  expect(ms).toBeLessThanOrEqual(10_000);
  for await (const left of tiers.client.timesLeft({}, { timeoutMs: 10_000 }))
    expect(left.ms).toBeLessThanOrEqual(10_000);
});

test("a detached call has its own time", async () => {
  await using tiers = await twoTiers();
  const { ms } = await tiers.client.timeLeft({ detached: true }, { timeoutMs: 10_000 });
  expect(ms).toBeGreaterThan(10_000);
});

test("cancelling a call cancels the calls that its handler made", async () => {
  await using tiers = await twoTiers();
  const abort = new AbortController();
  const outer = tiers.client.wait({}, { signal: abort.signal });
  const inner = tiers.cancelled;
  setImmediate(() => abort.abort());
  await expect(outer).rejects.toMatchObject({ code: "CANCELLED" });
  // Cancelled before it reached the backend, or there: either way nothing waits any more.
  await Promise.race([inner, outer.catch(() => {})]);
});
