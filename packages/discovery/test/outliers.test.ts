import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutlierEjection, Outcomes } from "../src/outlier-ejection.ts";
import { type OutlierOptions, outlierRules } from "../src/outlier-options.ts";
import { findOutliers } from "../src/outlier-rates.ts";
import { slowStart } from "../src/slow-start.ts";
import { virtualClock } from "./virtual-clock.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
console.info(`outliers: SEED=${seed}`);
const runs = { seed, numRuns: 200 };

interface TestHost {
  readonly index: number;
  readonly outcomes: Outcomes;
  isReady: boolean;
}

function rig(count: number, options: OutlierOptions = {}) {
  const clock = virtualClock();
  const hosts: TestHost[] = Array.from({ length: count }, (_, index) => ({
    index,
    outcomes: new Outcomes(),
    isReady: true,
  }));
  const log: string[] = [];
  const ejection = new OutlierEjection<TestHost>(outlierRules(options), clock, {
    hosts: () => hosts,
    ejected: (host, reason) => log.push(`${host.index} ejected: ${reason}`),
    returned: (host) => log.push(`${host.index} returned`),
  });
  const fail = (index: number, times = 1): void => {
    for (let i = 0; i < times; i++) ejection.failed(hosts[index]!);
  };
  const succeed = (index: number, times = 1): void => {
    for (let i = 0; i < times; i++) ejection.succeeded(hosts[index]!);
  };
  return { clock, hosts, log, ejection, fail, succeed, ejected: () => hosts.filter((one) => one.outcomes.ejected) };
}

describe("ejection", () => {
  test("after five failures in a row, for 30 s times the number of times", () => {
    const { clock, log, fail, succeed } = rig(2);
    fail(0, 4);
    succeed(0);
    fail(0, 4);
    expect(log).toEqual([]);
    fail(0);
    expect(log).toEqual(["0 ejected: 5 failures in a row; left out for 30 s"]);
    clock.advance(29_999);
    expect(log.length).toBe(1);
    clock.advance(1);
    expect(log[1]).toBe("0 returned");
    fail(0, 5);
    expect(log[2]).toBe("0 ejected: 5 failures in a row; left out for 60 s");
    clock.advance(60_000);
    // Each interval without an ejection forgives one.
    clock.advance(20_000);
    fail(0, 5);
    expect(log.at(-1)).toBe("0 ejected: 5 failures in a row; left out for 30 s");
  });

  test("the time does not grow beyond its most", () => {
    const { clock, log, fail } = rig(2, { maxMs: 70_000 });
    for (let i = 0; i < 5; i++) {
      fail(0, 5);
      clock.advance(70_000);
    }
    const times = log.filter((line) => line.includes("ejected")).map((line) => /for (\d+) s/.exec(line)?.[1]);
    expect(times).toEqual(["30", "30", "30", "30", "30"]);
    const again = rig(2, { maxMs: 70_000 });
    for (const ms of [30_000, 60_000, 70_000, 70_000]) {
      again.fail(0, 5);
      again.clock.advance(ms);
    }
    expect(again.log.filter((line) => line.includes("for 70 s")).length).toBe(2);
  });

  test("one whose success rate is far below the others', once there are five", () => {
    const { clock, log, fail, succeed } = rig(6, { consecutive: false });
    for (let i = 0; i < 6; i++) {
      succeed(i, i === 2 ? 60 : 100);
      if (i === 2) fail(2, 40);
    }
    clock.advance(10_000);
    expect(log).toEqual(["2 ejected: 60 % of its calls succeed, 93.3 % on average; left out for 30 s"]);
  });

  test("rates of too few calls, or too few endpoints, say nothing", () => {
    const few = rig(4, { consecutive: false });
    for (let i = 0; i < 4; i++) few.succeed(i, 200);
    few.fail(0, 200);
    few.clock.advance(60_000);
    expect(few.log).toEqual([]);
    const quiet = rig(6, { consecutive: false });
    for (let i = 0; i < 6; i++) quiet.succeed(i, 40);
    quiet.fail(0, 9);
    quiet.clock.advance(60_000);
    expect(quiet.log).toEqual([]);
  });

  test("one with nearly only failures, even when many are bad", () => {
    const rules = outlierRules({ successRate: false });
    const tallies = Array.from({ length: 6 }, (_, i) => ({ successes: i < 3 ? 5 : 60, failures: i < 3 ? 55 : 0 }));
    expect(findOutliers(tallies, rules).map((one) => tallies.indexOf(one.host))).toEqual([0, 1, 2]);
  });

  test("never all, never more than allowed, and never the last that is ready; nothing is left after close", () => {
    const step = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          kind: fc.constant("fail" as const),
          host: fc.nat(9),
          times: fc.integer({ min: 1, max: 7 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant("succeed" as const), host: fc.nat(9), times: fc.nat(120) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("ready" as const), host: fc.nat(9), times: fc.nat(1) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), host: fc.nat(0), times: fc.nat(40) }) },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.nat(100),
        fc.array(step, { maxLength: 80 }),
        (count, maxEjectedPercent, steps) => {
          const { clock, hosts, ejection, fail, succeed, ejected } = rig(count, { maxEjectedPercent });
          const allowed = maxEjectedPercent === 0 ? 0 : Math.max(1, Math.floor((count * maxEjectedPercent) / 100));
          for (const { kind, host, times } of steps) {
            const usable = hosts.filter((one) => one.isReady && !one.outcomes.ejected).length;
            if (kind === "fail") fail(host % count, times);
            else if (kind === "succeed") succeed(host % count, times);
            else if (kind === "ready") hosts[host % count]!.isReady = times === 1;
            else clock.advance(times * 1_000);
            expect(ejected().length).toBeLessThanOrEqual(allowed);
            expect(ejected().length).toBeLessThan(count);
            // Ejection alone never takes the last one away.
            const left = hosts.some((one) => one.isReady && !one.outcomes.ejected);
            expect(left || kind !== "fail" || usable === 0).toBe(true);
          }
          ejection.close();
          fail(0, 20);
          succeed(0);
          expect(clock.timers).toBe(0);
        },
      ),
      runs,
    );
  });

  test("everyone comes back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.array(fc.nat(9), { maxLength: 30 }), (count, failing) => {
        const { clock, ejected, fail } = rig(count);
        for (const one of failing) fail(one % count, 5);
        clock.advance(300_000);
        expect(ejected()).toEqual([]);
      }),
      runs,
    );
  });

  test("without calls no timer runs", () => {
    const { clock, succeed } = rig(6);
    succeed(0);
    expect(clock.timers).toBe(1);
    clock.advance(10_000);
    expect(clock.timers).toBe(0);
  });
});

describe("slow start", () => {
  test("the share grows from its least to all, and never falls", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 2e6, noNaN: true })),
        (windowMs, minShare, times) => {
          const slow = slowStart({ windowMs, minShare })!;
          const shares = times.toSorted((a, b) => a - b).map((ms) => slow.share(ms));
          expect(shares).toEqual(shares.toSorted((a, b) => a - b));
          expect(slow.share(0)).toBe(minShare);
          expect(slow.share(windowMs)).toBe(1);
        },
      ),
      runs,
    );
  });
});
