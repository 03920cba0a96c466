import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoff } from "../src/index.ts";

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const sizes = fc
  .tuple(
    fc.integer({ min: 0, max: 10_000 }),
    fc.integer({ min: 0, max: 100_000 }),
    fc.double({ min: 1, max: 10, noNaN: true }),
  )
  .map(([baseMs, more, factor]) => ({ baseMs, maxMs: baseMs + more, factor }));
const exponential = ({ baseMs, factor }: { baseMs: number; factor: number }, retry: number): number =>
  baseMs === 0 ? 0 : baseMs * factor ** (retry - 1);
const retries = fc.integer({ min: 1, max: 2_000 });

const chosen = { seed: Date.now() % 2 ** 31, numRuns: 1_000 };
console.log(`delays: seed ${chosen.seed}`);

describe("a delay", () => {
  test("with full jitter is at most the exponential one and the maximum", () => {
    fc.assert(
      fc.property(sizes, retries, unit, (options, retry, random) => {
        const delay = backoff(options).delayMs(retry, 0, () => random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(options.maxMs, exponential(options, retry)));
      }),
      chosen,
    );
  });

  test("with proportional jitter is within 20 % of the exponential one", () => {
    fc.assert(
      fc.property(sizes, retries, unit, (options, retry, random) => {
        const delay = backoff({ ...options, jitter: "proportional" }).delayMs(retry, 0, () => random);
        const exact = Math.min(options.maxMs, exponential(options, retry));
        expect(delay).toBeGreaterThanOrEqual(exact * 0.8 - 1e-6);
        expect(delay).toBeLessThanOrEqual(exact * 1.2 + 1e-6);
      }),
      chosen,
    );
  });

  test("with decorrelated jitter is at least the base, at most three times the one before and the maximum", () => {
    fc.assert(
      fc.property(sizes, fc.array(unit, { maxLength: 50 }), (options, randoms) => {
        const spacing = backoff({ ...options, jitter: "decorrelated" });
        let previous = 0;
        randoms.forEach((random, i) => {
          const delay = spacing.delayMs(i + 1, previous, () => random);
          expect(delay).toBeGreaterThanOrEqual(options.baseMs);
          expect(delay).toBeLessThanOrEqual(Math.min(options.maxMs, Math.max(options.baseMs, previous) * 3));
          previous = delay;
        });
      }),
      chosen,
    );
  });
});

test("the defaults are full jitter over 50 ms, doubling, up to 1 s", () => {
  const all = Array.from({ length: 8 }, (_, i) => backoff().delayMs(i + 1, 0, () => 0.999_999));
  expect(all.map(Math.round)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000]);
  expect(backoff().delayMs(3, 0, () => 0)).toBe(0);
});

test.each([
  [{ baseMs: -1 }, "backoff.baseMs must be a number of at least 0"],
  [{ baseMs: Number.NaN }, "backoff.baseMs"],
  [{ factor: 0.5 }, "backoff.factor must be a number of at least 1"],
  [{ baseMs: 100, maxMs: 50 }, "backoff.maxMs must be a number of at least 100"],
  [{ maxMs: Infinity }, "backoff.maxMs"],
  [{ jitter: "some" }, 'backoff.jitter must be one of full, decorrelated, proportional, got "some"'],
  [{ max: 5 }, 'backoff has no field "max"'],
  [{ baseMs: "5" }, 'backoff.baseMs must be a number, got "5"'],
])("%j is refused", (options, message) => {
  expect(() => backoff(options as never)).toThrow(message);
});
