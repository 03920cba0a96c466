import { expect, test } from "vitest";
import { retry, retryingFetch, retryPolicy, withRetry } from "../src/index.ts";

const bad: readonly (readonly [options: object, error: typeof TypeError | typeof RangeError, message: string])[] = [
  [{ attempts: 0 }, RangeError, "attempts must be a whole number of at least 1 and at most 100, got 0"],
  [{ attempts: 2.5 }, RangeError, "attempts"],
  [{ attempts: Number.NaN }, RangeError, "attempts"],
  [{ attempts: "3" }, TypeError, 'attempts must be a number, got "3"'],
  [{ attemptTimeoutMs: 0 }, RangeError, "attemptTimeoutMs must be a number above 0, got 0"],
  [{ attemptTimeoutMs: -5 }, RangeError, "attemptTimeoutMs"],
  [{ minAttemptMs: -1 }, RangeError, "minAttemptMs"],
  [{ maxPushbackMs: Infinity }, RangeError, "maxPushbackMs"],
  [{ timeoutMs: Number.NaN }, RangeError, "timeoutMs"],
  [{ codes: ["UNAVAILABLE", "GONE"] }, TypeError, 'codes[1]: "GONE" is not the code of an error'],
  [{ codes: ["OK"] }, TypeError, "codes[0]"],
  [{ codes: [14] }, TypeError, "codes[0]"],
  [{ codes: "UNAVAILABLE" }, TypeError, "codes must be a list"],
  [{ codes: ["INVALID_ARGUMENT"] }, RangeError, "codes[0]: INVALID_ARGUMENT fails again"],
  [{ backoff: { jitter: "none" } }, TypeError, "backoff.jitter"],
  [{ backoff: 50 }, TypeError, "backoff must be an object, got 50"],
  [{ budget: { minTokens: 0 } }, RangeError, "budget.minTokens"],
  [{ budget: true }, TypeError, "budget must be an object, got true"],
  [{ random: 0.5 }, TypeError, "random must be a function"],
  [{ clock: {} }, TypeError, "clock.now must be a function"],
  [{ onAttempt: "log" }, TypeError, "onAttempt must be a function"],
  [{ retries: 3 }, TypeError, 'the options has no field "retries"'],
];

test.each(bad)("retry(%j) and retryPolicy(the same) are refused", (options, error, message) => {
  for (const make of [retry, retryPolicy]) {
    expect(() => make(options as never)).toThrow(error);
    expect(() => make(options as never)).toThrow(message);
  }
});

test.each([
  [{ hedge: true, attempts: 2 }, TypeError, "hedge and attempts contradict each other"],
  [{ hedge: {}, backoff: {} }, TypeError, "hedge and backoff contradict each other"],
  [{ hedge: { delayMs: -1 } }, RangeError, "hedge.delayMs"],
  [{ hedge: { attempts: 1 } }, RangeError, "hedge.attempts"],
  [{ hedge: { maxExtraShare: 0 } }, RangeError, "hedge.maxExtraShare"],
  [{ hedge: { delay: 5 } }, TypeError, 'hedge has no field "delay"'],
  [{ waitForReady: 1 }, TypeError, "waitForReady"],
  [{ trustKeys: "yes" }, TypeError, "trustKeys"],
  [{ throttle: { factor: 0 } }, RangeError, "throttle.factor"],
  [{ replay: { maxBytes: -1 } }, RangeError, "replay.maxBytes"],
  [{ ambient: {} }, TypeError, "ambient must be a function"],
  [{ methods: [] }, TypeError, "methods must be an object, got a list"],
  [{ methods: { "a.v1.A/b/c": {} } }, TypeError, 'methods: "a.v1.A/b/c"'],
  [{ methods: { "a.v1.A/b": { attempts: -1 } } }, RangeError, 'methods["a.v1.A/b"].attempts'],
  [{ methods: { "a.v1.A": { hedge: true, attempts: 3 } } }, TypeError, 'methods["a.v1.A"].hedge'],
  [{ methods: { "a.v1.A": true } }, TypeError, 'methods["a.v1.A"] must be an object, got true'],
])("retry(%j) is refused", (options, error, message) => {
  expect(() => retry(options as never)).toThrow(error);
  expect(() => retry(options as never)).toThrow(message);
});

test.each([
  [{ hedge: true }, 'the options has no field "hedge"'],
  [{ effect: "safe" }, "effect must be one of pure, natural, keyed, at-most-once, unsafe"],
  [{ decide: true }, "decide must be a function"],
])("retryPolicy(%j) is refused", (options, message) => {
  expect(() => retryPolicy(options as never)).toThrow(message);
});

test("withRetry refuses what is no policy, and no function", async () => {
  const message = "withRetry needs a policy, which retryPolicy() makes, and a function";
  for (const policy of [undefined, {}, { attempts: 3 }]) {
    await expect(withRetry(policy as never, () => 1)).rejects.toThrow(message);
  }
  await expect(withRetry(retryPolicy(), undefined as never)).rejects.toThrow(message);
});

test("retryingFetch refuses to have its decisions replaced, and what is no fetch", () => {
  expect(() => retryingFetch({ decide: () => true } as never)).toThrow("decide: retryingFetch decides by method");
  expect(() => retryingFetch({ fetch: "no" } as never)).toThrow("fetch must be a function");
});

test("a run refuses a limit that is none", async () => {
  await expect(withRetry(retryPolicy(), () => 1, { timeoutMs: 0 })).rejects.toThrow(RangeError);
  await expect(withRetry(retryPolicy(), () => 1, { timeoutMs: "5" as never })).rejects.toThrow("timeoutMs");
});

test("what is left out, or given as undefined, is the default", () => {
  expect(() => retry()).not.toThrow();
  expect(() => retry({ attempts: undefined, backoff: undefined, budget: undefined } as never)).not.toThrow();
});
