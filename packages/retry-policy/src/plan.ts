import type { Effect, Method, OutgoingCall } from "@farcall/core";
import { streamsRequests } from "@farcall/core";
import type { Backoff } from "./backoff.ts";
import { Hedging } from "./hedging.ts";
import type { CompleteOptions } from "./retry-options.ts";
import { type CompleteRules, type RetryRules, rulesOver } from "./rules.ts";

/** What is known of a method's calls before any is made. */
export interface Plan {
  readonly rules: CompleteRules;
  /** The method's, or `unsafe` when it needs a key and endpoints are not known to honour one. */
  readonly effect: Effect;
  /** Is there one request, which is kept as it is, or a stream of them? */
  readonly isSingle: boolean;
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly hedging: Hedging | undefined;
  /** Do attempts end or begin at a time of their own? */
  readonly isTimed: boolean;
  /** Does every call need more than to be watched? */
  readonly adjusts: boolean;
}

const atOnce: Backoff = { delayMs: () => 0 };

/** The plans of one client's methods. `false` is the plan of those that are never sent again. */
export class Plans {
  readonly #options: CompleteOptions;
  readonly #plans = new WeakMap<Method, Plan | false>();
  /** Those of calls with rules of their own, which callers may make anew for each call. */
  readonly #own = new WeakMap<RetryRules, WeakMap<Method, Plan>>();
  #lastMethod: Method | undefined = undefined;
  #lastPlan: Plan | false = false;

  constructor(options: CompleteOptions) {
    this.#options = options;
  }

  of(method: Method): Plan | false {
    // Calls of one method tend to come together.
    if (method === this.#lastMethod) return this.#lastPlan;
    let plan = this.#plans.get(method);
    if (plan === undefined) {
      const rules = this.#rulesOf(method);
      plan = rules === false ? false : this.#make(method, rules);
      this.#plans.set(method, plan);
    }
    this.#lastMethod = method;
    return (this.#lastPlan = plan);
  }

  /** For a call with rules of its own. @throws RangeError or TypeError that names the field. */
  own({ method }: OutgoingCall, own: RetryRules): Plan {
    let plans = typeof own === "object" && own !== null ? this.#own.get(own) : undefined;
    let plan = plans?.get(method);
    if (plan === undefined) {
      plan = this.#make(
        method,
        rulesOver(this.#rulesOf(method) || this.#options.rules, own, "retry rules of the call"),
      );
      if (plans === undefined) this.#own.set(own, (plans = new WeakMap()));
      plans.set(method, plan);
    }
    return plan;
  }

  #rulesOf(method: Method): CompleteRules | false {
    const { methods, rules } = this.#options;
    return methods.get(method.fullName) ?? methods.get(method.service) ?? rules;
  }

  #make(method: Method, rules: CompleteRules): Plan {
    const needsKey = method.effect === "keyed" || method.effect === "at-most-once";
    const effect = needsKey && !this.#options.trustKeys ? "unsafe" : method.effect;
    const isSingle = !streamsRequests(method.kind);
    const mayHedge = isSingle && (effect === "pure" || effect === "natural");
    const hedging = rules.hedge !== undefined && mayHedge ? new Hedging(rules.hedge) : undefined;
    return {
      rules,
      effect,
      isSingle,
      attempts: hedging?.rules.attempts ?? rules.attempts,
      backoff: hedging === undefined ? rules.backoff : atOnce,
      hedging,
      isTimed: hedging !== undefined || rules.attemptTimeoutMs !== Infinity || rules.timeoutMs !== Infinity,
      adjusts: rules.timeoutMs !== Infinity || rules.waitForReady,
    };
  }
}
