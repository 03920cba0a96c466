import { type Client, createClient, createServer, RpcError, tcp, tcpServer } from "farcall";
import { expect, onTestFinished, test } from "vitest";
import { closuresPool, type ClosuresPoolOptions } from "../src/flights/closures-pool.ts";
import { Flights } from "../src/flights/contract.ts";
import { flightsHandlers } from "../src/flights/handlers.ts";
import { readNetwork } from "../src/flights/network.ts";

/** Minutes of work. */
const minutes = { among: 305, together: 2 } as const;
const little = { among: 1 };

async function serve(options: ClosuresPoolOptions): Promise<Client<typeof Flights>> {
  const pool = closuresPool(options);
  const server = createServer();
  server.add(Flights, flightsHandlers(readNetwork(), pool, "this server"));
  const { address } = await server.listen(tcpServer({ port: 0 }));
  const transport = tcp(address);
  onTestFinished(async () => {
    await transport.close();
    await server.close({ graceMs: 0 });
    await pool[Symbol.asyncDispose]();
  });
  return createClient(Flights, { transport });
}

/** Errors of calls that are expected to fail. */
function failure(call: Promise<unknown>): Promise<RpcError> {
  return call.then(
    () => new RpcError("UNKNOWN", "it was answered"),
    (error: unknown) => RpcError.from(error),
  );
}

test("heavy calls compute what closing airports does", async () => {
  const flights = await serve({ threads: 1, maxWaiting: 0 });
  const { closures, computedBy } = await flights.worstClosures({ among: 10, top: 2 });
  expect(closures).toEqual([
    { closed: ["ATL"], pairsCutOff: 9_121 },
    { closed: ["DFW"], pairsCutOff: 4_180 },
  ]);
  expect(computedBy).toMatch(/^thread [1-9]/);
});

test("small calls are answered while a heavy one is pending", async () => {
  const flights = await serve({ threads: 1, maxWaiting: 0 });
  const abort = new AbortController();
  let pending = true;
  const heavy = failure(flights.worstClosures(minutes, { signal: abort.signal })).finally(() => (pending = false));
  for (let n = 0; n < 200; n++) {
    expect((await flights.traffic({ airport: "ATL" })).destinations).toBeGreaterThan(100);
  }
  expect(pending).toBe(true);
  abort.abort();
  expect((await heavy).code).toBe("CANCELLED");
});

test("a full queue refuses with a time to wait, before anything has begun", async () => {
  const flights = await serve({ threads: 1, maxWaiting: 1 });
  const abort = new AbortController();
  const { signal } = abort;
  const accepted = [1, 2].map(() => failure(flights.worstClosures(minutes, { signal })));
  // Calls of one connection arrive in order.
  const refused = await failure(flights.worstClosures(little));
  expect(refused).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "no" });
  expect(refused.retryAfterMs).toBeGreaterThanOrEqual(50);
  expect((await flights.traffic({ airport: "ORD" })).servedBy).toBe("this server");
  abort.abort();
  await Promise.all(accepted);
});

test.each(["cancelled", "too late"])("a heavy call that is %s gives its thread back", async (how) => {
  const flights = await serve({ threads: 1, maxWaiting: 1 });
  const abort = new AbortController();
  const ends = how === "cancelled" ? { signal: abort.signal } : { timeoutMs: 100 };
  const heavy = failure(flights.worstClosures(minutes, ends));
  const waits = flights.worstClosures(little);
  abort.abort();
  expect((await heavy).code).toBe(how === "cancelled" ? "CANCELLED" : "DEADLINE_EXCEEDED");
  // There is one thread: it can only be answered when that is free.
  expect((await waits).closures.length).toBe(1);
});

test("a call that is cancelled while it waits for a thread leaves its place to others", async () => {
  const flights = await serve({ threads: 1, maxWaiting: 1 });
  const first = new AbortController();
  const second = new AbortController();
  const runs = failure(flights.worstClosures(minutes, { signal: first.signal }));
  const waits = failure(flights.worstClosures(minutes, { signal: second.signal }));
  second.abort();
  expect((await waits).code).toBe("CANCELLED");
  const takesItsPlace = flights.worstClosures(little);
  await flights.traffic({ airport: "ATL" });
  first.abort();
  expect((await takesItsPlace).closures.length).toBe(1);
  await runs;
});

test("an airport without flights is NOT_FOUND", async () => {
  const flights = await serve({ threads: 1, maxWaiting: 0 });
  expect(await failure(flights.traffic({ airport: "XXX" }))).toMatchObject({ code: "NOT_FOUND" });
});
