import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { BenchClient } from "../src/contender.ts";
import { keepInFlight, type Lane } from "../src/ends/load.ts";
import { lanesOf, type Work } from "../src/ends/work.ts";
import { WrongReply } from "../src/ends/wrong-reply.ts";
import { makeOrder } from "../src/order.ts";

const right: BenchClient = {
  add: async (a, b) => a + b,
  order: async (order) => structuredClone(order),
  iterate: async (count) => count,
  push: async (count) => count,
  echo: async (bytes) => bytes.slice(),
  close: async () => {},
};
/** Answers come in a later turn, as from a network; the load's clock would never be heard otherwise. */
const load = (client: Partial<BenchClient>, work: Work) => {
  const lanes = lanesOf(work, [{ ...right, ...client }]) ?? [];
  const later = lanes.map(({ start }): Lane => {
    return { start: (done, failed) => start(() => void setImmediate().then(done), failed) };
  });
  return keepInFlight(later, { ms: 1, calls: 300 });
};

test("exactly as many calls as there are lanes are in flight, until the last has ended", async () => {
  let inFlight = 0;
  const seen = new Set<number>();
  const lane = {
    start(done: () => void) {
      seen.add(++inFlight);
      void setImmediate().then(() => {
        inFlight--;
        done();
      });
    },
  };
  const { calls } = await keepInFlight([lane, lane, lane], { ms: 1, calls: 50 });
  expect(Math.max(...seen)).toBe(3);
  expect(inFlight).toBe(0);
  expect(calls).toBeGreaterThanOrEqual(50);
});

test("a load ends at its longest time, however few calls it made", async () => {
  const lane = { start: (done: () => void) => void setImmediate().then(done) };
  const { ms } = await keepInFlight([lane], { ms: 1, calls: Infinity, maxMs: 20 });
  expect(ms).toBeGreaterThanOrEqual(20);
});

const works: Work[] = [
  { kind: "add", inFlight: 8 },
  { kind: "order", inFlight: 8 },
  { kind: "echo", inFlight: 2, bytes: 10_000 },
  { kind: "iterate", messages: 10 },
  { kind: "push", messages: 10 },
];

test.each(works)("right answers pass: %j", async (work) => {
  expect((await load({}, work)).calls).toBeGreaterThanOrEqual(300);
});

test.each<[string, Partial<BenchClient>, Work]>([
  ["a wrong sum", { add: async (a, b) => a + b + (a === 5 ? 1 : 0) }, works[0]!],
  ["another order", { order: async () => makeOrder(3) }, works[1]!],
  ["a small change in an order", { order: async (one) => ({ ...one, currency: "USD" }) }, works[1]!],
  ["bytes of another call", { echo: async () => new Uint8Array(10_000) }, works[2]!],
  ["too few bytes", { echo: async (bytes) => bytes.slice(1) }, works[2]!],
  ["a message that is missing", { iterate: async (count) => count - 1 }, works[3]!],
  ["a message too many", { push: async (count) => count + 1 }, works[4]!],
])("%s fails the load", async (_, client, work) => {
  await expect(load(client, work)).rejects.toThrow(WrongReply);
});

test("what a call rejects with fails the load", async () => {
  await expect(load({ add: () => Promise.reject(new Error("refused")) }, works[0]!)).rejects.toThrow("refused");
});

test("work that the contender has no call for is told from work that fails", () => {
  const { add, close } = right;
  expect(works.map((work) => lanesOf(work, [{ add, close }]) !== undefined)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
