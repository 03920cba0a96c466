import { type Effect, type Explanation, RpcError } from "@farcall/core";
import { RetryBudget, type RetryBudgetOptions } from "./budget.ts";
import { checkFields, checkFunction, show } from "./check.ts";
import { type Clock, systemClock } from "./clock.ts";
import { decide, type Verdict } from "./decide.ts";
import type { FunctionAttemptEvent } from "./retry-event.ts";
import { type CompleteRules, defaultRules, type RetryRules, rulesOver } from "./rules.ts";
import { TurnClock } from "./turn-clock.ts";

/** What an error of a function means: try again after the back-off, or after so many ms, or (`false`) not at all. */
export type Decision = boolean | { readonly afterMs: number };

export interface RetryPolicyOptions extends Omit<RetryRules, "hedge" | "waitForReady"> {
  /** Options of the policy's budget, a budget to share, or `false` for none. */
  readonly budget?: RetryBudget | RetryBudgetOptions | false;
  /**
   * Decides about an error. Default: an `RpcError` by its status and `effect`, no abort, and everything else is tried
   * again. What it throws is what the run fails with.
   */
  readonly decide?: (error: unknown) => Decision;
  /** What repeating the function does. Default `natural`: who wraps it says that it may be repeated. */
  readonly effect?: Effect;
  /** Hears of every attempt that is over. */
  readonly onAttempt?: (event: FunctionAttemptEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Numbers from 0 to below 1. Default `Math.random`. */
  readonly random?: () => number;
}

/** A policy for functions, for `withRetry` and `retryingFetch`: rules and one budget, shared by everything it is used for. */
export interface RetryPolicy {
  readonly budget: RetryBudget | undefined;
  /** The attempts behind an error that a run of this policy failed with; undefined for what is no object or not its own. */
  explain(error: unknown): Explanation | undefined;
}

/** A policy as runs see it. */
export interface PolicyInside extends RetryPolicy {
  readonly rules: CompleteRules;
  readonly clock: Clock;
  readonly turnClock: TurnClock;
  readonly random: () => number;
  readonly onAttempt: ((event: FunctionAttemptEvent) => void) | undefined;
  readonly explanations: WeakMap<object, Explanation>;
  /** No time limit, and nobody who listens. */
  readonly isUnlimited: boolean;
  judge(error: unknown, timedOut: boolean): Judgement;
}

/** What `decide` says of an error, with the pushback that came with it. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly afterMs?: number | "never" | undefined;
  readonly peer?: string | undefined;
}

const effects: readonly Effect[] = ["pure", "natural", "keyed", "at-most-once", "unsafe"];
const ruleNames = ["attempts", "backoff", "codes", "attemptTimeoutMs", "minAttemptMs", "maxPushbackMs", "timeoutMs"];
const otherNames = ["budget", "decide", "effect", "onAttempt", "clock", "random"];

const retryLater: Judgement = { verdict: "retry" };
const giveUp: Judgement = { verdict: "stop" };

/** @throws RangeError or TypeError that names the option. */
export function retryPolicy(options: RetryPolicyOptions = {}): RetryPolicy {
  checkFields("the options", options, [...ruleNames, ...otherNames]);
  const { effect = "natural", onAttempt, clock = systemClock, random = Math.random } = options;
  const rules = rulesOver(
    defaultRules,
    Object.fromEntries(Object.entries(options).filter(([name]) => ruleNames.includes(name))),
    "",
  );
  if (!effects.includes(effect)) {
    throw new TypeError(`effect must be one of ${effects.join(", ")}, got ${show(effect)}`);
  }
  for (const name of ["decide", "onAttempt", "random"] as const) checkFunction(name, options[name]);
  for (const name of ["now", "start", "stop"] as const) checkFunction(`clock.${name}`, clock?.[name] ?? null);
  const explanations = new WeakMap<object, Explanation>();
  const ask = options.decide;
  const inside: PolicyInside = {
    rules,
    clock,
    turnClock: new TurnClock(clock),
    random,
    onAttempt,
    explanations,
    isUnlimited: rules.attemptTimeoutMs === Infinity && rules.timeoutMs === Infinity && onAttempt === undefined,
    budget:
      options.budget === false
        ? undefined
        : options.budget instanceof RetryBudget
          ? options.budget
          : new RetryBudget(options.budget),
    explain: (error) => (typeof error === "object" && error !== null ? explanations.get(error) : undefined),
    judge(error, timedOut) {
      if (ask !== undefined) return asked(ask(error));
      if (error instanceof RpcError) {
        const verdict = decide(error, effect, rules.codes, timedOut);
        return { verdict, afterMs: error.retryAfterMs, peer: error.peer };
      }
      if (effect === "unsafe") return giveUp;
      return !timedOut && (error as Error | undefined)?.name === "AbortError" ? giveUp : retryLater;
    },
  };
  return inside;
}

/** A wait that is no number of milliseconds means "do not", as a server's does. */
function asked(decision: Decision): Judgement {
  if (decision === true) return retryLater;
  if (typeof decision !== "object" || decision === null) return giveUp;
  const { afterMs } = decision;
  if (typeof afterMs !== "number" || !Number.isFinite(afterMs) || afterMs < 0) return { verdict: "forbidden" };
  return { verdict: "retry", afterMs };
}
