import fc from "fast-check";
import { expect, test } from "vitest";
import { LatencyQuantile } from "../src/latency-quantile.ts";
import { RecentCount } from "../src/recent-count.ts";
import { Throttle } from "../src/throttle.ts";

test("counts of the last while agree with a list of all", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`recent count: seed ${seed}`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 100 }), (gaps) => {
      const count = new RecentCount(10_000);
      const all: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        count.add(now);
        all.push(now);
        const bucket = Math.floor(now / 1_000);
        expect(count.total(now)).toBe(all.filter((at) => Math.floor(at / 1_000) > bucket - 10).length);
      }
    }),
    { seed },
  );
});

test("while at least half is accepted, nothing is refused", () => {
  const throttle = new Throttle();
  for (let i = 0; i < 1_000; i++) {
    expect(throttle.admits(i, () => 0)).toBe(true);
    if (i % 2 === 0) throttle.accepted(i);
  }
});

test("when nothing is accepted, a tenth passes", () => {
  const throttle = new Throttle();
  let passed = 0;
  for (let i = 0; i < 10_000; i++) if (throttle.admits(i / 10, () => (i % 100) / 100)) passed++;
  expect(throttle.rejectProbability(1_000)).toBe(0.9);
  expect(passed).toBeGreaterThan(950);
  expect(passed).toBeLessThan(1_100);
});

test("it forgets what is older than its window", () => {
  const throttle = new Throttle();
  for (let i = 0; i < 100; i++) throttle.admits(0, () => 0.99);
  expect(throttle.rejectProbability(1)).toBe(0.9);
  expect(throttle.rejectProbability(20_000)).toBe(0);
});

test("a latency quantile needs 64 samples, and follows the latest 512", () => {
  const quantile = new LatencyQuantile(0.95);
  for (let i = 0; i < 63; i++) quantile.add(i);
  expect(quantile.value).toBeUndefined();
  for (let i = 63; i < 512; i++) quantile.add(i % 100);
  expect(quantile.value).toBeGreaterThanOrEqual(90);
  expect(quantile.value).toBeLessThan(100);
  for (let i = 0; i < 512; i++) quantile.add(1_000);
  expect(quantile.value).toBe(1_000);
});

test.each([
  [{ factor: 0.5 }, "throttle.factor"],
  [{ windowMs: 1 }, "throttle.windowMs"],
  [{ minPassShare: 1.1 }, "throttle.minPassShare"],
  [{ window: 1 }, 'throttle has no field "window"'],
])("%j is refused", (options, message) => {
  expect(() => new Throttle(options as never)).toThrow(message);
});
