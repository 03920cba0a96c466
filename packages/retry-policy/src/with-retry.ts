import { checkNumber } from "./check.ts";
import type { PolicyInside, RetryPolicy } from "./retry-policy.ts";
import { Run } from "./run.ts";
import { type FunctionAttempt, RunningAttempt } from "./running-attempt.ts";

export interface RunOptions {
  /** Aborting it ends the run at once with its reason, whether or not the function listens. */
  readonly signal?: AbortSignal | undefined;
  /** A limit for the whole run, ms. Default: the policy's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs `work`, and again when it fails and the policy allows it. Resolves to what it returns; rejects with what the last
 * attempt threw, with the signal's reason, or with a `TimeoutError` when the time is over. `policy.explain(error)` tells
 * of the attempts.
 *
 * An attempt that is out of time, or whose caller has aborted, is not waited for: its signal says so.
 *
 * @throws RangeError or TypeError (rejects) when `timeoutMs` is no positive number, `policy` is none or `work` no function.
 */
export function withRetry<T>(
  policy: RetryPolicy,
  work: (attempt: FunctionAttempt) => T | PromiseLike<T>,
  options: RunOptions = {},
): Promise<T> {
  const inside = policy as PolicyInside;
  if (typeof inside?.judge !== "function" || typeof work !== "function") {
    return Promise.reject(new TypeError("withRetry needs a policy, which retryPolicy() makes, and a function"));
  }
  const { signal, timeoutMs } = options;
  if (signal === undefined && timeoutMs === undefined && inside.isUnlimited) return unlimited(inside, work);
  return new Promise((resolve, reject) => {
    if (timeoutMs !== undefined) checkNumber("timeoutMs", timeoutMs, { min: 0, above: true });
    if (signal?.aborted === true) return reject(signal.reason);
    const startedAt = inside.clock.now();
    new Run(inside, work, signal, timeoutMs ?? Infinity, resolve, reject, startedAt).begin();
  });
}

/** A run that nothing ends from outside: its first attempt, which is the only one as a rule, needs no more than this. */
async function unlimited<T>(policy: PolicyInside, work: (attempt: FunctionAttempt) => T | PromiseLike<T>): Promise<T> {
  const startedAt = policy.turnClock.now();
  const { budget } = policy;
  budget?.called(startedAt);
  const first = new RunningAttempt(1, "call", 0, startedAt);
  try {
    const value = await work(first);
    budget?.succeeded();
    return value;
  } catch (error) {
    return new Promise((resolve, reject) => {
      new Run(policy, work, undefined, Infinity, resolve, reject, startedAt).goOn(first, error);
    });
  }
}
