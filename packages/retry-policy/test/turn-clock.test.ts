import { expect, test } from "vitest";
import { TurnClock } from "../src/turn-clock.ts";

test("it reads the clock once in a turn of the microtask queue, and again in the next", async () => {
  let reads = 0;
  const clock = new TurnClock({ now: () => ++reads, start: () => {}, stop: () => {} });
  expect([clock.now(), clock.now(), clock.now()]).toEqual([1, 1, 1]);
  await Promise.resolve();
  expect([clock.now(), clock.now()]).toEqual([2, 2]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(clock.now()).toBe(3);
});
