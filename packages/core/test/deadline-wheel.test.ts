import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeadlineWheel, type Expiring } from "../src/index.ts";
import { fakeClock } from "./clock.ts";

const tickMs = 16;
/** Fake timers have whole milliseconds. */
const slackMs = 1;

class Entry implements Expiring {
  wheelNext: Expiring | undefined = undefined;
  wheelPrevious: Expiring | undefined = undefined;
  wheelSlot = -1;
  expiredAt: number | undefined = undefined;
  deadline: number;
  readonly #then: () => void;

  constructor(deadline: number, then: () => void = () => {}) {
    this.deadline = deadline;
    this.#then = then;
  }

  expire(): void {
    if (this.expiredAt !== undefined || this.wheelSlot !== -1) throw new Error("expired twice, or while on the wheel");
    this.expiredAt = performance.now();
    this.#then();
  }
}

function expectOnTime(entry: Entry): void {
  expect(entry.expiredAt).toBeDefined();
  expect(entry.expiredAt).toBeGreaterThanOrEqual(entry.deadline);
  expect(entry.expiredAt).toBeLessThanOrEqual(entry.deadline + tickMs + slackMs);
}

describe("deadline wheel", () => {
  beforeEach(fakeClock);
  afterEach(() => {
    vi.useRealTimers();
  });

  test("entries expire after their deadline and within a tick of it, however far away", async () => {
    const wheel = new DeadlineWheel();
    const entries = [0, 1, 15, 16, 17, 500, 1023, 1024, 1025, 5000, 60_000].map(
      (ms) => new Entry(performance.now() + ms),
    );
    for (const entry of entries) wheel.add(entry);
    await vi.advanceTimersByTimeAsync(61_000);
    for (const entry of entries) expectOnTime(entry);
    expect(wheel.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("one whose deadline has passed expires at once, but not inside add", async () => {
    const wheel = new DeadlineWheel();
    await vi.advanceTimersByTimeAsync(10_000);
    const other = new Entry(performance.now() + 700);
    wheel.add(other);
    await vi.advanceTimersByTimeAsync(300);
    const late = new Entry(performance.now() - 5000);
    wheel.add(late);
    expect(late.expiredAt).toBeUndefined();
    await vi.advanceTimersByTimeAsync(tickMs + slackMs);
    expect(late.expiredAt).toBeDefined();
    wheel.remove(other);
  });

  test("removing takes off; removing again or what was never on does nothing", async () => {
    const wheel = new DeadlineWheel();
    const [a, b, c] = [1, 2, 3].map(() => new Entry(performance.now() + 100)) as [Entry, Entry, Entry];
    for (const entry of [a, b, c]) wheel.add(entry);
    wheel.remove(b);
    wheel.remove(b);
    wheel.remove(new Entry(1));
    expect(wheel.size).toBe(2);
    await vi.advanceTimersByTimeAsync(2000);
    expect(b.expiredAt).toBeUndefined();
    expectOnTime(a);
    expectOnTime(c);
  });

  test("one timer for all, none when nothing is left", async () => {
    const wheel = new DeadlineWheel();
    const entries = Array.from({ length: 100 }, (_, i) => new Entry(performance.now() + 30 * i));
    for (const entry of entries) wheel.add(entry);
    expect(vi.getTimerCount()).toBe(1);
    for (const entry of entries) wheel.remove(entry);
    expect(wheel.size).toBe(0);
    await vi.advanceTimersByTimeAsync(1100);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("expiring may remove others and add new ones", async () => {
    const wheel = new DeadlineWheel();
    const at = performance.now() + 100;
    const [victim, next] = [new Entry(at), new Entry(at + 200)];
    const first = new Entry(at, () => {
      wheel.remove(victim);
      wheel.add(next);
    });
    wheel.add(victim);
    wheel.add(first);
    await vi.advanceTimersByTimeAsync(1000);
    expect(victim.expiredAt).toBeUndefined();
    expectOnTime(next);
    expect(wheel.size).toBe(0);
  });

  test("what a late sweep adds with a deadline that has passed does not wait a round", async () => {
    let now = 0;
    const wheel = new DeadlineWheel(() => now);
    const added = new Entry(100);
    const keeper = new Entry(100_000);
    wheel.add(keeper);
    wheel.add(new Entry(160, () => wheel.add(added)));
    // The event loop was blocked: the timer fires when all is long past.
    now = 400;
    await vi.advanceTimersByTimeAsync(170);
    now = 420;
    await vi.advanceTimersByTimeAsync(3 * tickMs);
    expect(added.expiredAt).toBeDefined();
    wheel.remove(keeper);
  });

  test("a timer that fires a little early expires nothing early", async () => {
    let skew = 0;
    const wheel = new DeadlineWheel(() => performance.now() - skew);
    const entry = new Entry(performance.now() + 160);
    wheel.add(entry);
    skew = 1;
    await vi.advanceTimersByTimeAsync(entry.deadline - performance.now());
    expect(entry.expiredAt).toBeUndefined();
    await vi.advanceTimersByTimeAsync(tickMs + 2);
    expect(entry.expiredAt).toBeDefined();
  });

  test("any order of adding, removing and waiting", async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`deadline wheel: seed ${seed}`);
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), ms: fc.integer({ min: 0, max: 3000 }) }),
      fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 1500 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const wheel = new DeadlineWheel();
        const all: Entry[] = [];
        const removed = new Set<Entry>();
        for (const one of steps) {
          if (one.kind === "add") {
            const entry = new Entry(performance.now() + one.ms + 0.5);
            all.push(entry);
            wheel.add(entry);
          } else if (one.kind === "wait") {
            await vi.advanceTimersByTimeAsync(one.ms);
          } else if (all.length > 0) {
            const entry = all[one.which % all.length] as Entry;
            wheel.remove(entry);
            if (entry.expiredAt === undefined) removed.add(entry);
          }
        }
        await vi.advanceTimersByTimeAsync(5000);
        for (const entry of all) {
          expect(entry.expiredAt === undefined).toBe(removed.has(entry));
          if (!removed.has(entry)) expectOnTime(entry);
        }
        expect(wheel.size).toBe(0);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { seed, numRuns: 150 },
    );
  });

  test("10,000 entries come and go at random", async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`deadline wheel, 10,000 entries: seed ${seed}`);
    const random = fc.sample(fc.array(fc.nat(4000), { minLength: 10_000, maxLength: 10_000 }), {
      seed,
      numRuns: 1,
    })[0] as number[];
    const wheel = new DeadlineWheel();
    const kept: Entry[] = [];
    const gone: Entry[] = [];
    for (const [i, ms] of random.entries()) {
      const entry = new Entry(performance.now() + ms);
      wheel.add(entry);
      (ms % 3 === 0 ? gone : kept).push(entry);
      if (i % 100 === 0) await vi.advanceTimersByTimeAsync(ms % 50);
      const victim = gone[ms % gone.length];
      if (i % 2 === 0 && victim?.expiredAt === undefined && victim !== undefined) wheel.remove(victim);
    }
    for (const entry of gone) wheel.remove(entry);
    await vi.advanceTimersByTimeAsync(6000);
    for (const entry of kept) expectOnTime(entry);
    expect(wheel.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a wheel that is empty at the end of a turn keeps no process alive", async () => {
  const wheel = new DeadlineWheel();
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const before = timers();
  const entry = new Entry(performance.now() + 500);
  wheel.add(entry);
  expect(timers()).toBe(before + 1);
  wheel.remove(entry);
  wheel.add(entry);
  await Promise.resolve();
  expect(timers()).toBe(before + 1);
  wheel.remove(entry);
  await Promise.resolve();
  expect(timers()).toBe(before);
  wheel.add(entry);
  expect(timers()).toBe(before + 1);
  wheel.remove(entry);
  await Promise.resolve();
  expect(timers()).toBe(before);
});
