import { Metadata } from "@farcall/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Candidate, consistentHash, leastLoaded, pickFirst, type Policy, roundRobin } from "../src/index.ts";
import { addresses, call, seeded, type Stand, stands } from "./candidates.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
console.info(`policies: SEED=${seed}`);
const runs = { seed, numRuns: 30 };

const every: readonly [string, () => Policy][] = [
  ["least-loaded", leastLoaded],
  ["round-robin", roundRobin],
  ["consistent-hash", () => consistentHash({ key: () => undefined })],
  ["pick-first", pickFirst],
];

function counted(picks: number, pick: (i: number) => Candidate | undefined): Map<Candidate, number> {
  const counts = new Map<Candidate, number>();
  for (let i = 0; i < picks; i++) {
    const one = pick(i);
    if (one !== undefined) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  return counts;
}

describe.each(every)("%s", (_, policy) => {
  test("has nobody to pick where there is nobody", () => {
    const balancer = policy().create(Math.random);
    expect(balancer.pick(call(), undefined)).toBeUndefined();
    balancer.update([], []);
    expect(balancer.pick(call(), undefined)).toBeUndefined();
    expect(balancer.pick(call(), new Set())).toBeUndefined();
  });

  test("never picks one that is skipped, and picks one as long as one is left", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer(), fc.array(fc.nat(11)), (count, random, skipped) => {
        const all = stands(addresses(count));
        const balancer = policy().create(seeded(random));
        balancer.update(all, all);
        const skip = new Set<Candidate>(skipped.flatMap((i) => all[i] ?? []));
        for (let i = 0; i < 20; i++) {
          const one = balancer.pick(call(), skip);
          const left = all.filter((other) => !skip.has(other));
          expect(left.length === 0 ? [undefined] : left).toContain(one);
        }
      }),
      runs,
    );
  });

  test("forgets those that are gone", () => {
    const all = stands(addresses(5));
    const balancer = policy().create(seeded(1));
    balancer.update(all, all);
    for (let i = 0; i < 7; i++) balancer.pick(call(), undefined);
    const left = all.slice(3);
    balancer.update(left, left);
    for (let i = 0; i < 50; i++) expect(left).toContain(balancer.pick(call(), undefined));
  });
});

describe("fairness over 10,000 picks", () => {
  test.each([
    ["least-loaded", leastLoaded],
    ["round-robin", roundRobin],
  ])("%s is within 5 % for equal endpoints, whether calls last or not", (_, policy) => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 10 }), fc.integer(), fc.nat(64), (count, random, inFlight) => {
        const all = stands(addresses(count));
        const balancer = policy().create(seeded(random));
        balancer.update(all, all);
        const open: Stand[] = [];
        const counts = counted(10_000, () => {
          const one = balancer.pick(call(), undefined) as Stand;
          one.outstanding++;
          open.push(one);
          if (open.length > inFlight) open.shift()!.outstanding--;
          return one;
        });
        for (const one of all) expect(Math.abs((counts.get(one) ?? 0) / (10_000 / count) - 1)).toBeLessThan(0.05);
      }),
      runs,
    );
  });

  test.each([
    ["least-loaded", leastLoaded],
    ["round-robin", roundRobin],
  ])("%s gives each its share by weight", (_, policy) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 6 }),
        fc.integer(),
        (weights, random) => {
          const all = stands(addresses(weights.length).map((address, i) => ({ address, weight: weights[i]! })));
          const balancer = policy().create(seeded(random));
          balancer.update(all, all);
          const counts = counted(10_000, () => balancer.pick(call(), undefined));
          const total = weights.reduce((sum, one) => sum + one, 0);
          for (const one of all) {
            const share = (counts.get(one) ?? 0) / 10_000;
            expect(Math.abs(share - one.weight / total)).toBeLessThan(0.05);
          }
        },
      ),
      runs,
    );
  });

  test("least-loaded leaves alone one whose calls do not end", () => {
    const all = stands(addresses(3));
    const balancer = leastLoaded().create(seeded(seed));
    balancer.update(all, all);
    all[0]!.outstanding = 5;
    const counts = counted(1_000, () => balancer.pick(call(), undefined));
    expect(counts.get(all[0]!)).toBeUndefined();
  });
});

describe("consistent-hash", () => {
  const keyed = consistentHash({ metadata: "user" });
  const keys = Array.from({ length: 2_000 }, (_, i) => call(new Metadata({ user: `user-${i}` })));
  const ownersIn = (all: readonly Stand[]): (string | undefined)[] => {
    const balancer = keyed.create(seeded(1));
    balancer.update(all, all);
    return keys.map((one) => balancer.pick(one, undefined)?.endpoint.address);
  };

  test("moves only the keys of an endpoint that comes or goes, and every client decides alike", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(19), (count, index) => {
        const all = addresses(count);
        const gone = all[index % count]!;
        const before = ownersIn(stands(all));
        const after = ownersIn(stands(all.filter((one) => one !== gone).toReversed()));
        for (const [i, owner] of before.entries()) {
          expect(after[i] === owner).toBe(owner !== gone);
        }
      }),
      runs,
    );
  });

  test("an endpoint that is away for a moment gets its keys back", () => {
    const all = stands(addresses(5));
    const balancer = keyed.create(seeded(1));
    balancer.update(all, all);
    const before = keys.map((one) => balancer.pick(one, undefined));
    const away = all[2]!;
    away.available = false;
    balancer.update(
      all.filter((one) => one !== away),
      all,
    );
    for (const [i, one] of keys.entries()) {
      const owner = balancer.pick(one, undefined);
      expect(owner === before[i]).toBe(before[i] !== away);
    }
    away.available = true;
    balancer.update(all, all);
    expect(keys.map((one) => balancer.pick(one, undefined))).toEqual(before);
  });

  test("spreads keys by weight", () => {
    const all = stands(addresses(4).map((address, i) => ({ address, weight: i === 0 ? 3 : 1 })));
    const owners = ownersIn(all);
    const heavy = owners.filter((one) => one === all[0]!.endpoint.address).length / owners.length;
    expect(heavy).toBeGreaterThan(0.4);
    expect(heavy).toBeLessThan(0.6);
  });

  test("needs to be told where the key is", () => {
    for (const wrong of [undefined, {}, { metadata: "" }, { metadata: "trace-bin" }, { value: {} }, { key: "user" }]) {
      expect(() => consistentHash(wrong as never)).toThrow("consistentHash");
    }
  });
});
