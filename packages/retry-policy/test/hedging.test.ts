import { RpcError } from "@farcall/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Hedging, hedgeRules } from "../src/hedging.ts";
import { RetryBudget } from "../src/index.ts";
import { scripted, type ScriptedOptions } from "./scripted.ts";

/** A call that is slow, after enough others for a hedge to be affordable. */
async function slow(options: ScriptedOptions = {}) {
  const one = scripted({ hedge: { delayMs: 50 }, peers: ["a:1", "b:1", "c:1"], ...options });
  one.requests.message("first", true);
  one.attempts[0]?.answer("first");
  for (let i = 0; i < 30; i++) {
    one.begin().requests.message(i, true);
    one.attempts.at(-1)?.answer(i);
  }
  one.attempts.length = one.events.length = one.caller.heard.length = one.caller.ends.length = 0;
  const { requests } = one.begin();
  requests.message("slow", true);
  return { ...one, requests };
}

describe("a slow call", () => {
  test("is sent a second time after the delay, elsewhere; the first answer wins and the loser is cancelled", async () => {
    const { attempt, attempts, caller, advance, clock, events } = await slow();
    await advance(49);
    expect(attempts).toHaveLength(1);
    await advance(1);
    expect(attempt(2).sent).toEqual(["slow"]);
    expect(attempt(2).call).toMatchObject({ attempt: 2, avoid: ["a:1"] });
    attempt(2).answer("from b");
    expect(attempt(1).cancelledWith?.code).toBe("CANCELLED");
    expect(caller.heard).toEqual(["message from b", "end"]);
    expect(clock.pending).toBe(0);
    expect(events).toMatchObject([
      { attempt: 1, code: "CANCELLED", next: "others", peer: "a:1" },
      { attempt: 2, cause: "hedge", code: "OK", next: "end", peer: "b:1" },
    ]);
  });

  test("that is answered by its first attempt after all cancels the second", async () => {
    const { attempt, caller, advance } = await slow();
    await advance(50);
    attempt(1).answer("from a");
    expect(attempt(2).cancelledWith?.code).toBe("CANCELLED");
    attempt(2).answer("late");
    expect(caller.heard).toEqual(["message from a", "end"]);
  });

  test("does not count its loser as a failure", async () => {
    const budget = new RetryBudget();
    const { attempt, advance } = await slow({ budget });
    await advance(50);
    const before = budget.tokens;
    attempt(2).answer("b");
    expect(budget.tokens).toBeGreaterThan(before);
  });

  test("waits for the other attempt when one fails in passing", async () => {
    const { attempt, caller, advance } = await slow();
    await advance(50);
    attempt(2).fail("UNAVAILABLE");
    expect(caller.heard).toEqual([]);
    attempt(1).answer("from a");
    expect(caller.heard).toEqual(["message from a", "end"]);
  });

  test("ends at once when one fails for good, and the other is cancelled", async () => {
    const { attempt, caller, advance } = await slow();
    await advance(50);
    attempt(2).fail("NOT_FOUND");
    expect(attempt(1).cancelledWith?.code).toBe("CANCELLED");
    expect(caller.heard).toEqual(["end NOT_FOUND"]);
  });

  test("fails when both have", async () => {
    const { attempt, attempts, caller, advance, clock } = await slow();
    await advance(50);
    attempt(1).fail("UNAVAILABLE");
    attempt(2).fail("UNAVAILABLE");
    await advance(1_000);
    expect(attempts).toHaveLength(2);
    expect(caller.heard).toEqual(["end UNAVAILABLE"]);
    expect(caller.error?.explain).toMatchObject({ stopped: "attempts" });
    expect(caller.error?.explain?.attempts).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  test("that is cancelled cancels both", async () => {
    const { requests, attempt, caller, advance, clock } = await slow();
    await advance(50);
    requests.cancel(new RpcError("CANCELLED"));
    expect([1, 2].map((n) => attempt(n).cancelledWith?.code)).toEqual(["CANCELLED", "CANCELLED"]);
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(clock.pending).toBe(0);
  });

  test("is not sent again while the budget says no, and goes on", async () => {
    const budget = new RetryBudget({ floorPerSecond: 0 });
    const { attempt, attempts, caller, advance } = await slow({ budget });
    for (let i = 0; i < 20; i++) budget.take(0);
    await advance(1_000);
    expect(attempts).toHaveLength(1);
    expect(attempt(1).cancelledWith).toBeUndefined();
    attempt(1).answer("late, but there");
    expect(caller.heard).toEqual(["message late, but there", "end"]);
  });

  test("is sent up to the attempts that are allowed, one after the other", async () => {
    const { attempt, attempts, advance } = await slow({ hedge: { delayMs: 50, attempts: 3, maxExtraShare: 1 } });
    await advance(1_000);
    expect(attempts.map(({ peer }) => peer)).toEqual(["a:1", "b:1", "c:1"]);
    attempt(3).answer("c");
    expect(attempts.map(({ cancelledWith }) => cancelledWith?.code)).toEqual(["CANCELLED", "CANCELLED", undefined]);
  });
});

test("a listener that cancels when it hears of the loser stops the call there", async () => {
  const { requests, attempt, caller, advance, events, clock } = await slow();
  await advance(50);
  events.push = () => {
    requests.cancel(new RpcError("CANCELLED"));
    return 1;
  };
  attempt(2).answer("b");
  expect(caller.heard).toEqual(["end CANCELLED"]);
  expect(clock.pending).toBe(0);
});

test("a hedged call whose attempt fails before the delay is sent again at once", async () => {
  const { attempt, attempts, caller, settled, clock } = await slow();
  attempt(1).fail("UNAVAILABLE");
  await settled();
  expect(attempts).toHaveLength(2);
  attempt(2).answer("b");
  expect(caller.heard).toEqual(["message b", "end"]);
  expect(clock.pending).toBe(0);
});

test.each([
  ["unsafe", "unary"],
  ["keyed", "unary"],
  ["pure", "clientStream"],
] as const)("a call of a %s %s method is not hedged", async (effect, kind) => {
  const { attempts, advance } = await slow({ effect, kind, trustKeys: true });
  await advance(10_000);
  expect(attempts).toHaveLength(1);
});

test("without a given delay, a call is hedged at the latency that 95 % of the calls stay below", async () => {
  const { begin, requests, attempts, advance } = scripted({ hedge: { maxExtraShare: 1 }, budget: false });
  requests.message(0, true);
  for (let i = 0; i < 512; i++) {
    const one = i === 0 ? attempts[0] : (begin().requests.message(i, true), attempts.at(-1));
    // Most take 5 ms, every tenth 30.
    await advance(i % 10 === 0 ? 30 : 5);
    one?.answer(i);
  }
  const before = attempts.length;
  begin().requests.message("slow", true);
  await advance(29);
  expect(attempts.length).toBe(before + 1);
  await advance(1);
  expect(attempts.length).toBe(before + 2);
});

test("hedges are never more than their share of the calls", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`hedges: seed ${seed}`);
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 2_000 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (slowOnes, share) => {
        const hedging = new Hedging(hedgeRules({ delayMs: 1, maxExtraShare: share }, "hedge"));
        let calls = 0;
        let hedges = 0;
        for (const isSlow of slowOnes) {
          hedging.called();
          calls++;
          if (isSlow && hedging.take()) hedges++;
          expect(hedges).toBeLessThanOrEqual(calls * share + 1e-6);
        }
      },
    ),
    { seed },
  );
});
