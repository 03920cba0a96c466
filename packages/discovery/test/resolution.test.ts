import { describe, expect, test } from "vitest";
import type { Endpoint, EndpointList, Resolver } from "../src/index.ts";
import { Resolution } from "../src/resolution.ts";
import { asResolver } from "../src/resolver.ts";
import { virtualClock } from "./virtual-clock.ts";
import { settled } from "./waits.ts";

function resolve(resolver: Resolver) {
  const clock = virtualClock();
  const log: string[] = [];
  const resolution = new Resolution(resolver, clock, () => 0.5, {
    resolved: (endpoints: readonly Endpoint[]) => log.push(endpoints.map((one) => one.address).join()),
    failed: (error) => log.push(`failed: ${error.message}`),
  });
  resolution.start();
  return { clock, log, resolution };
}

const list = (...lists: unknown[]): Resolver =>
  async function* () {
    yield* lists as EndpointList[];
  };

describe("a resolver", () => {
  test("may be a list, an iterable or a function", async () => {
    async function* lists() {
      yield ["b:1"];
    }
    for (const given of [
      ["b:1"],
      lists(),
      async function* () {
        yield ["b:1"];
      },
    ]) {
      const { log, resolution } = resolve(asResolver(given as Resolver));
      await settled();
      expect(log).toEqual(["b:1"]);
      resolution.close();
    }
    for (const wrong of [undefined, "a:1", 5, {}]) expect(() => asResolver(wrong as never)).toThrow("`resolver`");
  });

  test("that throws is started again after a while, which grows", async () => {
    let starts = 0;
    const { clock, log, resolution } = resolve(async function* () {
      if (++starts === 4) yield ["a:1"];
      throw new Error(`no luck ${starts}`);
    });
    await settled();
    expect(log).toEqual(["failed: no luck 1"]);
    for (const [ms, expected] of [
      [1_000, 2],
      [1_600, 3],
      [2_560, 4],
    ] as const) {
      clock.advance(ms - 1);
      await settled();
      expect(starts).toBe(expected - 1);
      clock.advance(1);
      await settled();
      expect(starts).toBe(expected);
    }
    expect(log.slice(2)).toEqual(["failed: no luck 3", "a:1", "failed: no luck 4"]);
    // A good list ends the waiting's growth.
    clock.advance(1_000);
    await settled();
    expect(starts).toBe(5);
    resolution.close();
    expect(clock.timers).toBe(0);
  });

  test("that gives garbage between good lists says so and goes on", async () => {
    const garbage = [
      ["nothing", "a list of endpoints was expected"],
      [[], "the list of endpoints is empty"],
      [[5], "endpoint 0: 5 is none"],
      [["a:1", { address: "" }], 'endpoint 1: "" is no address'],
      [[{ address: "a:1", weight: 0 }], "the weight of a:1 must be positive"],
      [[{ address: "a:1", priority: 1.5 }], "the priority of a:1 must be"],
      [["a\u0007:1"], "is no address"],
      [Array.from({ length: 10_001 }, (_, i) => `a:${i}`), "10001 endpoints are more than 10000"],
    ] as const;
    const { log, resolution } = resolve(list(["a:1"], ...garbage.map(([one]) => one), ["b:1", "b:1", "c:1"]));
    await settled();
    expect(log[0]).toBe("a:1");
    for (const [i, [, message]] of garbage.entries()) expect(log[i + 1]).toContain(message);
    expect(log.at(-1)).toBe("b:1,c:1");
    expect(resolution.error).toBeUndefined();
    resolution.close();
  });

  test("that ends without a list has failed; one that ends after it is asked again when an endpoint fails", async () => {
    const empty = resolve(list());
    await settled();
    expect(empty.log).toEqual(["failed: the resolver ended without a good list"]);
    empty.resolution.close();

    const useless = resolve(list([], "a:1"));
    await settled();
    const last = "failed: the resolver ended without a good list: a list of endpoints was expected";
    expect(useless.log.at(-1)).toContain(last);
    useless.resolution.close();

    const { clock, log, resolution } = resolve(list(["a:1"]));
    await settled();
    clock.advance(1_000_000);
    await settled();
    expect(log).toEqual(["a:1"]);
    resolution.refresh();
    resolution.refresh();
    clock.advance(0);
    await settled();
    expect(log).toEqual(["a:1", "a:1"]);
    resolution.refresh();
    clock.advance(999);
    await settled();
    expect(log.length).toBe(2);
    clock.advance(1);
    await settled();
    expect(log.length).toBe(3);
    resolution.close();
    expect(clock.timers).toBe(0);
  });

  test("pauses until the time is over, or sooner when a fresh list is wanted", async () => {
    let asked = 0;
    const { clock, resolution } = resolve(async function* ({ pause }) {
      for (;;) {
        asked++;
        yield ["a:1"];
        await pause(30_000, 5_000);
      }
    });
    await settled();
    clock.advance(29_999);
    await settled();
    expect(asked).toBe(1);
    clock.advance(1);
    await settled();
    expect(asked).toBe(2);
    resolution.refresh();
    clock.advance(4_999);
    await settled();
    expect(asked).toBe(2);
    clock.advance(1);
    await settled();
    expect(asked).toBe(3);
    clock.advance(10_000);
    resolution.refresh();
    clock.advance(0);
    await settled();
    expect(asked).toBe(4);
    resolution.close();
    expect(clock.timers).toBe(0);
  });

  test("that never ends is left behind at close, its clean-up done", async () => {
    let cleaned = false;
    const { log, resolution } = resolve(async function* ({ signal }) {
      try {
        yield ["a:1"];
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        cleaned = true;
      }
    });
    await settled();
    resolution.close();
    await settled();
    expect(cleaned).toBe(true);
    expect(log).toEqual(["a:1"]);
    const stuck = resolve(async function* () {
      await new Promise(() => {});
      yield [];
    });
    await settled();
    stuck.resolution.close();
    await settled();
    expect(stuck.log).toEqual([]);
  });
});
