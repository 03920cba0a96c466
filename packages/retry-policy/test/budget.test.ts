import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RetryBudget } from "../src/index.ts";

test("whatever happens, tokens are neither negative nor above the capacity, and that stays within its bounds", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`budget: seed ${seed}`);
  const step = fc.record({
    kind: fc.constantFrom("called", "succeeded", "take"),
    times: fc.integer({ min: 1, max: 400 }),
    ms: fc.integer({ min: 0, max: 20_000 }),
  });
  const options = fc.record({
    minTokens: fc.integer({ min: 1, max: 50 }),
    tokensPerSuccess: fc.double({ min: 0, max: 3, noNaN: true }),
    floorPerSecond: fc.double({ min: 0, max: 20, noNaN: true }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 60 }), (chosen, steps) => {
      const budget = new RetryBudget({ ...chosen, maxTokens: 200 });
      let now = 0;
      for (const { kind, times, ms } of steps) {
        now += ms;
        for (let i = 0; i < times; i++) {
          if (kind === "called") budget.called(now);
          else if (kind === "succeeded") budget.succeeded();
          else budget.take(now);
          expect(budget.tokens).toBeGreaterThanOrEqual(0);
          expect(budget.tokens).toBeLessThanOrEqual(budget.capacity);
          expect(budget.capacity).toBeGreaterThanOrEqual(chosen.minTokens);
          expect(budget.capacity).toBeLessThanOrEqual(200);
        }
      }
    }),
    { seed, numRuns: 200 },
  );
});

test("when everything fails, retries are no more than half the bucket and the floor", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`floor: seed ${seed}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 500 }), (gaps) => {
      const budget = new RetryBudget();
      let now = 0;
      let retries = 0;
      for (const gap of gaps) {
        now += gap;
        budget.called(now);
        if (budget.take(now)) retries++;
      }
      const bucket = Math.max(10, 0.1 * gaps.length) / 2;
      expect(retries).toBeLessThanOrEqual(bucket + 3 + (now / 1_000) * 3);
    }),
    { seed },
  );
});

test("a new budget allows retries down to half of its ten tokens, then the floor's three", () => {
  const budget = new RetryBudget();
  const allowed = Array.from({ length: 10 }, () => budget.take(0));
  expect(allowed).toEqual([true, true, true, true, true, true, true, false, false, false]);
  expect(budget.tokens).toBe(0);
});

test("the floor gives three retries a second, and does not save them up", () => {
  const budget = new RetryBudget();
  for (let i = 0; i < 20; i++) budget.take(0);
  expect(budget.take(0)).toBe(false);
  expect(budget.take(334)).toBe(true);
  expect(budget.take(335)).toBe(false);
  expect([1, 2, 3, 4, 5].map(() => budget.take(60_000))).toEqual([true, true, true, false, false]);
});

test("without a floor an empty bucket allows none", () => {
  const budget = new RetryBudget({ floorPerSecond: 0 });
  for (let i = 0; i < 20; i++) budget.take(0);
  expect(budget.take(60_000)).toBe(false);
});

test("ten successes pay for one retry", () => {
  const budget = new RetryBudget({ floorPerSecond: 0 });
  for (let i = 0; i < 10; i++) budget.take(0);
  for (let i = 0; i < 59; i++) budget.succeeded();
  expect(budget.take(0)).toBe(false);
  for (let i = 0; i < 11; i++) budget.succeeded();
  expect(budget.tokens).toBeCloseTo(6);
  budget.succeeded();
  expect(budget.take(0)).toBe(true);
});

test("failures that come together cannot all use the same token", () => {
  const budget = new RetryBudget({ floorPerSecond: 0 });
  const sameMoment = Array.from({ length: 64 }, () => budget.take(5));
  expect(sameMoment.filter(Boolean)).toHaveLength(4);
});

describe("its capacity", () => {
  test("is a tenth of the calls of the last ten seconds, from 10 to 1,000", () => {
    const budget = new RetryBudget();
    expect(budget.capacity).toBe(10);
    for (let i = 0; i < 5_000; i++) budget.called(i * 2);
    budget.take(9_999);
    expect(budget.capacity).toBe(500);
    for (let i = 0; i < 50_000; i++) budget.called(10_000);
    budget.take(10_001);
    expect(budget.capacity).toBe(1_000);
  });

  test("shrinks when calls become fewer, and takes the tokens with it", () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 10_000; i++) {
      budget.called(i);
      budget.succeeded();
    }
    expect(budget.tokens).toBeGreaterThan(800);
    budget.take(60_000);
    expect(budget.capacity).toBe(10);
    expect(budget.tokens).toBe(9);
  });
});

test.each([
  [{ minTokens: 0 }, "budget.minTokens"],
  [{ minTokens: 20, maxTokens: 10 }, "budget.maxTokens"],
  [{ share: 2 }, "budget.share"],
  [{ tokensPerSuccess: -0.1 }, "budget.tokensPerSuccess"],
  [{ floorPerSecond: Number.NaN }, "budget.floorPerSecond"],
  [{ capacity: 10 }, 'budget has no field "capacity"'],
])("%j is refused", (options, message) => {
  expect(() => new RetryBudget(options as never)).toThrow(message);
});
