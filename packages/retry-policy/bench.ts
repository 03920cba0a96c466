// node packages/retry-policy/bench.ts: nanoseconds per run of a function under a policy, beside other libraries, and what
// the interceptor adds to a small call.
import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer, service, type, unary } from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { ExponentialBackoff, handleAll, retry as cockatielRetry } from "cockatiel";
import CircuitBreaker from "opossum";
import pRetry from "p-retry";
import { retry, retryPolicy, withRetry } from "./src/index.ts";

const rounds = 15;

await functions();
if (!process.argv.includes("--functions")) await calls();

/** The same function under each library: one that succeeds, and one that fails once with no wait before its retry. */
async function functions(): Promise<void> {
  const succeed = async (): Promise<number> => 1;
  const fails = new Error("once");
  const flaky = () => {
    let left = 1;
    return async (): Promise<number> => {
      if (left-- > 0) throw fails;
      return 1;
    };
  };
  const ours = retryPolicy({ backoff: { baseMs: 0, maxMs: 0 }, budget: false });
  const oursWithBudget = retryPolicy();
  const cockatiel = cockatielRetry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() });
  const cockatielAtOnce = cockatielRetry(handleAll, { maxAttempts: 2 });
  const breaker = new CircuitBreaker((run: () => Promise<number>) => run(), { timeout: false });
  await compare("a function that succeeds", 40_000, [
    ["the function alone", succeed],
    ["withRetry, with budget", () => withRetry(oursWithBudget, succeed)],
    ["cockatiel", () => cockatiel.execute(succeed)],
    ["opossum (a breaker, no retry)", () => breaker.fire(succeed)],
    ["p-retry", () => pRetry(succeed, { retries: 2 })],
  ]);
  await compare("a function that fails once, retried at once", 4_000, [
    ["withRetry", () => withRetry(ours, flaky())],
    ["cockatiel", () => cockatielAtOnce.execute(flaky())],
    ["p-retry", () => pRetry(flaky(), { retries: 2, minTimeout: 0, maxTimeout: 0 })],
  ]);
  breaker.shutdown();
}

/** A small unary call over the in-memory transport, both ends in this process, with 64 in flight. */
async function calls(): Promise<void> {
  const Adder = service("bench.v1.Adder", {
    add: unary({ input: type<{ a: number; b: number }>(), output: type<{ total: number }>(), effect: "pure" }),
  });
  const link = memory();
  const server = createServer({ codecs: [cbor()] }).add(Adder, { add: ({ a, b }) => ({ total: a + b }) });
  await server.listen(link.server);
  const options = { transport: link.client, codec: cbor() };
  const plain = createClient(Adder, options);
  const retried = createClient(Adder, { ...options, use: [retry()] });
  await compare("a small unary call, 64 in flight", 20_000, [
    ["without the interceptor", () => plain.add({ a: 1, b: 2 })],
    ["with retry()", () => retried.add({ a: 1, b: 2 })],
  ]);
  await link.client.close();
  await server.close();
}

type Contender = readonly [label: string, run: () => Promise<unknown>];

async function compare(title: string, runs: number, contenders: readonly Contender[]): Promise<void> {
  const times = contenders.map(() => [] as number[]);
  for (let round = -2; round < rounds; round++) {
    // Contenders take turns, so that a slow moment of the machine meets all of them.
    for (const [i, [, run]] of contenders.entries()) {
      const time = await nanoseconds(run, runs);
      if (round >= 0) times[i]?.push(time);
    }
  }
  const first = median(times[0] ?? []);
  console.log(`\n| ${title} | ns, median of ${rounds} | × first |\n|---|---|---|`);
  contenders.forEach(([label], i) => {
    const time = median(times[i] ?? []);
    console.log(`| ${label} | ${Math.round(time)} | ${(time / first).toFixed(2)} |`);
  });
}

async function nanoseconds(run: () => Promise<unknown>, runs: number): Promise<number> {
  let left = runs;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await run();
  };
  const start = process.hrtime.bigint();
  await Promise.all(Array.from({ length: 64 }, worker));
  return Number(process.hrtime.bigint() - start) / runs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
