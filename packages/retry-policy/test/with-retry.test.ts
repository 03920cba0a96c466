import { getEventListeners } from "node:events";
import { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { type FunctionAttemptEvent, type RetryPolicyOptions, retryPolicy, withRetry } from "../src/index.ts";
import { VirtualClock } from "./virtual-clock.ts";

function rig(options: RetryPolicyOptions = {}) {
  const clock = new VirtualClock();
  const events: FunctionAttemptEvent[] = [];
  const policy = retryPolicy({ clock, random: () => 0.5, onAttempt: (event) => events.push(event), ...options });
  return { clock, events, policy };
}

/** Keeps a promise's outcome, so that nobody need wait for it. */
function outcome(promise: Promise<unknown>): { value?: unknown; error?: unknown; settled: boolean } {
  const kept: { value?: unknown; error?: unknown; settled: boolean } = { settled: false };
  promise.then(
    (value) => Object.assign(kept, { value, settled: true }),
    (error: unknown) => Object.assign(kept, { error, settled: true }),
  );
  return kept;
}

test("a function that succeeds runs once, whatever it returns", async () => {
  const { policy, clock } = rig();
  expect(await withRetry(policy, () => 5)).toBe(5);
  expect(await withRetry(policy, async ({ attempt }) => attempt)).toBe(1);
  expect(await withRetry(policy, () => undefined)).toBeUndefined();
  expect(clock.pending).toBe(0);
});

test("one that fails runs again after the back-off, whether it throws or rejects", async () => {
  const { policy, clock, events } = rig();
  const ran: number[] = [];
  const run = outcome(
    withRetry(policy, ({ attempt }) => {
      ran.push(clock.now());
      if (attempt === 1) throw new Error("thrown");
      return attempt === 2 ? Promise.reject(new Error("rejected")) : "done";
    }),
  );
  await clock.advance(1_000);
  expect(run).toMatchObject({ settled: true, value: "done" });
  expect(ran).toEqual([0, 25, 75]);
  expect(events.map(({ attempt, next, nextDelayMs, delayMs }) => [attempt, delayMs, next, nextDelayMs])).toEqual([
    [1, 0, "retry", 25],
    [2, 25, "retry", 50],
    [3, 50, "end", undefined],
  ]);
});

test("one that always fails rejects with its last error itself, which the policy explains", async () => {
  const { policy, clock } = rig();
  const errors = [1, 2, 3].map((n) => new Error(`failure ${n}`));
  const run = outcome(withRetry(policy, ({ attempt }) => Promise.reject(errors[attempt - 1] as Error)));
  await clock.advance(1_000);
  expect(run.error).toBe(errors[2]);
  expect(policy.explain(run.error)).toMatchObject({
    elapsedMs: 75,
    stopped: "attempts",
    attempts: [{ note: "failure 1" }, { note: "failure 2", delayMs: 25 }, { note: "failure 3", delayMs: 50 }],
  });
  expect(policy.explain(errors[0])).toBeUndefined();
  expect(policy.explain("text")).toBeUndefined();
});

describe("aborting", () => {
  test("before the run keeps it from beginning", async () => {
    const { policy } = rig();
    let ran = 0;
    const reason = new Error("no");
    await expect(withRetry(policy, () => ran++, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(ran).toBe(0);
  });

  test("during back-off ends at once, no attempt begins after it, and nothing is left behind", async () => {
    const { policy, clock } = rig();
    const abort = new AbortController();
    let ran = 0;
    const run = outcome(
      withRetry(
        policy,
        () => {
          ran++;
          throw new Error("fails");
        },
        { signal: abort.signal },
      ),
    );
    await clock.advance(10);
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(1);
    const reason = new Error("enough");
    abort.abort(reason);
    await clock.advance(0);
    expect(run.error).toBe(reason);
    expect(clock.pending).toBe(0);
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
    await clock.advance(10_000);
    expect(ran).toBe(1);
    expect(policy.explain(reason)).toMatchObject({ stopped: "cancelled", attempts: [{ note: "fails" }] });
  });

  test("while the function runs tells it, and does not wait for it", async () => {
    const { policy, clock, events } = rig();
    const abort = new AbortController();
    let inner: AbortSignal | undefined;
    const run = outcome(
      withRetry(
        policy,
        ({ signal }) => {
          inner = signal;
          return new Promise(() => {});
        },
        { signal: abort.signal },
      ),
    );
    await clock.advance(10);
    const reason = new Error("enough");
    abort.abort(reason);
    await clock.advance(0);
    expect(inner?.reason).toBe(reason);
    expect(run.error).toBe(reason);
    expect(events).toMatchObject([{ attempt: 1, error: reason, next: "end", stopped: "cancelled" }]);
  });

  test("from inside the attempt that fails keeps the next from beginning", async () => {
    const { policy, clock } = rig();
    const abort = new AbortController();
    let ran = 0;
    const run = outcome(
      withRetry(
        policy,
        () => {
          ran++;
          abort.abort(new Error("from inside"));
          throw new Error("fails");
        },
        { signal: abort.signal },
      ),
    );
    await clock.advance(10_000);
    expect(ran).toBe(1);
    expect(run.error).toMatchObject({ message: "from inside" });
  });

  test("by a listener keeps the next from beginning", async () => {
    const abort = new AbortController();
    const { policy, clock } = rig({ onAttempt: () => abort.abort(new Error("from the listener")) });
    let ran = 0;
    const run = outcome(
      withRetry(
        policy,
        () => {
          ran++;
          throw new Error("fails");
        },
        { signal: abort.signal },
      ),
    );
    await clock.advance(10_000);
    expect(ran).toBe(1);
    expect(run.error).toMatchObject({ message: "from the listener" });
    expect(clock.pending).toBe(0);
  });

  test("after the end finds no listener", async () => {
    const { policy } = rig();
    const abort = new AbortController();
    await withRetry(policy, () => 1, { signal: abort.signal });
    expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
  });

  test("an error named AbortError that the function throws is not retried", async () => {
    const { policy, clock } = rig();
    let ran = 0;
    const run = outcome(
      withRetry(policy, () => {
        ran++;
        throw new DOMException("stopped", "AbortError");
      }),
    );
    await clock.advance(10_000);
    expect(ran).toBe(1);
    expect(run.error).toMatchObject({ name: "AbortError" });
  });
});

describe("the time limit", () => {
  test("lets no attempt begin at it or after it: the last error is returned at once", async () => {
    const { policy, clock } = rig({ backoff: { baseMs: 200, jitter: "proportional" }, minAttemptMs: 0 });
    let ran = 0;
    const run = outcome(
      withRetry(
        policy,
        () => {
          ran++;
          throw new Error("real");
        },
        // Exactly when the second attempt would begin.
        { timeoutMs: 200 },
      ),
    );
    await clock.advance(0);
    expect(run.error).toMatchObject({ message: "real" });
    expect(policy.explain(run.error)?.stopped).toBe("deadline");
    await clock.advance(10_000);
    expect(ran).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test("ends a run whose function does not listen, and tells it", async () => {
    const { policy, clock } = rig({ timeoutMs: 300 });
    let inner: AbortSignal | undefined;
    const run = outcome(
      withRetry(policy, ({ signal }) => {
        inner = signal;
        return new Promise(() => {});
      }),
    );
    await clock.advance(300);
    expect(run.error).toMatchObject({ name: "TimeoutError", message: "no success within 300 ms" });
    expect(inner?.aborted).toBe(true);
    expect(policy.explain(run.error)).toMatchObject({ stopped: "deadline", timeoutMs: 300 });
  });

  test("of an attempt aborts it and makes another; what the first says later is not heard", async () => {
    const { policy, clock } = rig({ attemptTimeoutMs: 100 });
    const results: ((value: string) => void)[] = [];
    const signals: AbortSignal[] = [];
    const run = outcome(
      withRetry(policy, ({ signal }) => {
        signals.push(signal);
        return new Promise<string>((resolve) => results.push(resolve));
      }),
    );
    await clock.advance(125);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    results[0]?.("late");
    await clock.advance(0);
    expect(run.settled).toBe(false);
    results[1]?.("in time");
    await clock.advance(0);
    expect(run.value).toBe("in time");
    expect(clock.pending).toBe(0);
  });

  test("of an attempt is its failure, also when the function throws because of its signal", async () => {
    const { policy, clock } = rig({ attemptTimeoutMs: 100, attempts: 1 });
    const run = outcome(
      withRetry(
        policy,
        ({ signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted inside")))),
      ),
    );
    await clock.advance(100);
    expect(run.error).toMatchObject({ name: "TimeoutError", message: "attempt 1 took longer than 100 ms" });
  });

  test("a signal that is read late is aborted already", async () => {
    const { policy, clock } = rig({ attemptTimeoutMs: 100, attempts: 1 });
    const late = Promise.withResolvers<void>();
    let seen: boolean | undefined;
    const run = outcome(
      withRetry(policy, async (attempt) => {
        await late.promise;
        seen = attempt.signal.aborted;
      }),
    );
    await clock.advance(200);
    late.resolve();
    await clock.advance(0);
    expect(seen).toBe(true);
    expect(run.settled).toBe(true);
  });
});

describe("deciding", () => {
  test("is the caller's, with a wait of its choice", async () => {
    const { policy, clock } = rig({
      decide: (error) => ((error as Error).message === "busy" ? { afterMs: 1_000 } : false),
      random: () => 0,
    });
    const messages = ["busy", "broken"];
    const at: number[] = [];
    const run = outcome(
      withRetry(policy, ({ attempt }) => {
        at.push(clock.now());
        throw new Error(messages[attempt - 1]);
      }),
    );
    await clock.advance(5_000);
    expect(at).toEqual([0, 1_000]);
    expect(run.error).toMatchObject({ message: "broken" });
    expect(policy.explain(run.error)?.stopped).toBe("not retryable");
  });

  test.each([Number.NaN, -1, Infinity, "5"])("takes a wait of %s as: do not", async (afterMs) => {
    const { policy, clock } = rig({ decide: () => ({ afterMs: afterMs as never }) });
    let ran = 0;
    const run = outcome(
      withRetry(policy, () => {
        ran++;
        throw new Error("busy");
      }),
    );
    await clock.advance(100_000);
    expect(ran).toBe(1);
    expect(policy.explain(run.error)?.stopped).toBe("pushback");
  });

  test("that throws ends the run with what it throws", async () => {
    const { policy, clock } = rig({
      decide: () => {
        throw new Error("cannot decide");
      },
    });
    const run = outcome(withRetry(policy, () => Promise.reject(new Error("real"))));
    await clock.advance(0);
    expect(run.error).toMatchObject({ message: "cannot decide" });
    expect(clock.pending).toBe(0);
  });

  test("takes an RpcError by its status and the effect", async () => {
    for (const [effect, code, ran] of [
      ["natural", "UNAVAILABLE", 3],
      ["natural", "NOT_FOUND", 1],
      ["unsafe", "UNAVAILABLE", 1],
    ] as const) {
      const { policy, clock } = rig({ effect });
      let count = 0;
      const run = outcome(
        withRetry(policy, () => {
          count++;
          return Promise.reject(new RpcError(code));
        }),
      );
      await clock.advance(10_000);
      expect(run.error).toMatchObject({ code });
      expect(count).toBe(ran);
    }
  });
});

test("a run that nobody listens to and nothing limits goes by the same rules", async () => {
  const { policy, clock } = rig({ onAttempt: undefined } as never);
  const at: number[] = [];
  const run = outcome(
    withRetry(policy, ({ attempt, signal }) => {
      at.push(clock.now());
      expect(signal.aborted).toBe(false);
      if (attempt === 1) throw new Error("thrown");
      return attempt === 2 ? Promise.reject(new Error("rejected")) : "done";
    }),
  );
  await clock.advance(1_000);
  expect(run.value).toBe("done");
  expect(at).toEqual([0, 25, 75]);
  const failing = outcome(withRetry(policy, () => Promise.reject(new Error("down"))));
  await clock.advance(1_000);
  expect(policy.explain(failing.error)).toMatchObject({ stopped: "attempts", attempts: [{}, {}, {}] });
  expect(clock.pending).toBe(0);
});

test("runs of one policy share its budget: when all fail, they fail at once and none hangs", async () => {
  const { policy, clock } = rig({ budget: { floorPerSecond: 0 } });
  let ran = 0;
  const runs = Array.from({ length: 50 }, () =>
    outcome(
      withRetry(policy, () => {
        ran++;
        return Promise.reject(new Error("down"));
      }),
    ),
  );
  await clock.advance(0);
  expect(runs.filter(({ settled }) => settled)).toHaveLength(46);
  await clock.advance(10_000);
  expect(runs.every(({ settled }) => settled)).toBe(true);
  expect(ran).toBe(54);
  expect(policy.explain(runs.at(-1)?.error)?.stopped).toBe("budget");
});

test("without a budget every run has all its attempts", async () => {
  const { policy, clock } = rig({ budget: false });
  let ran = 0;
  const runs = Array.from({ length: 50 }, () =>
    outcome(withRetry(policy, () => Promise.reject(new Error(`${ran++}`)))),
  );
  await clock.advance(10_000);
  expect(runs.every(({ settled }) => settled)).toBe(true);
  expect(ran).toBe(150);
});

test("on the system's clock a run waits and ends like on any other", async () => {
  const policy = retryPolicy({ backoff: { baseMs: 5 } });
  const before = process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  expect(
    await withRetry(policy, ({ attempt }) => (attempt < 3 ? Promise.reject(new Error("no")) : attempt), {
      timeoutMs: 60_000,
    }),
  ).toBe(3);
  expect(process.getActiveResourcesInfo().filter((one) => one === "Timeout").length).toBeLessThanOrEqual(before);
});
