import { type CallContext, contextKey } from "@farcall/core";
import { RetryBudget, type RetryBudgetOptions } from "./budget.ts";
import { checkFields, checkFunction, checkNumber, show } from "./check.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { AttemptEvent } from "./retry-event.ts";
import { type CompleteRules, defaultRules, ruleFields, type RetryRules, rulesOver } from "./rules.ts";
import type { ThrottleOptions } from "./throttle.ts";
import { Throttle } from "./throttle.ts";

/** What `retry()` can be told: rules for all calls of the client, and the rest. */
export interface RetryOptions extends RetryRules {
  /**
   * Rules by the name of a method (`shop.v1.Orders/list`) or of a service (`shop.v1.Orders`); what they leave out is as
   * for the service, and then as for the client. `false`: its calls are never sent again.
   */
  readonly methods?: Readonly<Record<string, RetryRules | false>>;
  /**
   * Options of the budget that each client has for itself, a budget to share among clients of one target, or `false` for
   * none.
   */
  readonly budget?: RetryBudget | RetryBudgetOptions | false;
  /** Adaptive throttling. Default `false`; `true` for its defaults. */
  readonly throttle?: boolean | ThrottleOptions;
  /** Do all endpoints honour idempotency keys? Otherwise `keyed` and `at-most-once` count as `unsafe`. Default false. */
  readonly trustKeys?: boolean;
  /** What streams of requests keep for their retries. */
  readonly replay?: ReplayOptions;
  /** Hears of every attempt that is over. */
  readonly onAttempt?: (event: AttemptEvent) => void;
  /** The context of the handler that is running, whose own attempt bounds its calls'. The package `farcall` has one. */
  readonly ambient?: () => Pick<CallContext, "attempt"> | undefined;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Numbers from 0 to below 1. Default `Math.random`. */
  readonly random?: () => number;
}

export interface ReplayOptions {
  /** Memory for one call, bytes. Default 1 MiB. */
  readonly maxBytesPerCall?: number;
  /** Memory for all calls of a client, bytes. Default 16 MiB. */
  readonly maxBytes?: number;
}

/** Rules for one call, in its `values`; `false`: it is never sent again. */
export const retryRules = contextKey<RetryRules | false>("retry rules");

/** Options without gaps. */
export interface CompleteOptions {
  readonly rules: CompleteRules;
  /** Those of methods and services, by name; complete, whatever they left out. */
  readonly methods: ReadonlyMap<string, CompleteRules | false>;
  /** Makes the budget of one client; it returns the same for each when one is shared. */
  readonly budget: () => RetryBudget | undefined;
  readonly throttle: () => Throttle | undefined;
  readonly trustKeys: boolean;
  readonly replay: Required<ReplayOptions>;
  readonly onAttempt: ((event: AttemptEvent) => void) | undefined;
  readonly ambient: (() => Pick<CallContext, "attempt"> | undefined) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

const otherFields = [
  "methods",
  "budget",
  "throttle",
  "trustKeys",
  "replay",
  "onAttempt",
  "ambient",
  "clock",
  "random",
] as const;

/** @throws RangeError or TypeError that names the field. */
export function completeOptions(options: RetryOptions): CompleteOptions {
  checkFields("the options", options, [...ruleFields, ...otherFields]);
  const { methods = {}, budget, throttle = false, trustKeys = false, replay = {}, onAttempt, ambient } = options;
  const { clock = systemClock, random = Math.random } = options;
  const ruleOptions = Object.fromEntries(Object.entries(options).filter(([name]) => ruleFields.includes(name)));
  const rules = rulesOver(defaultRules, ruleOptions, "");
  if (typeof trustKeys !== "boolean") throw new TypeError(`trustKeys must be true or false, got ${show(trustKeys)}`);
  checkFunction("onAttempt", onAttempt);
  checkFunction("ambient", ambient);
  checkFunction("random", random);
  for (const name of ["now", "start", "stop"] as const) checkFunction(`clock.${name}`, clock?.[name] ?? null);
  checkFields("replay", replay, ["maxBytesPerCall", "maxBytes"]);
  const { maxBytesPerCall = 1024 * 1024, maxBytes = 16 * 1024 * 1024 } = replay;
  checkNumber("replay.maxBytesPerCall", maxBytesPerCall, { min: 0 });
  checkNumber("replay.maxBytes", maxBytes, { min: 0 });
  return {
    rules,
    methods: methodRules(rules, methods),
    budget: budgetMaker(budget),
    throttle: throttleMaker(throttle),
    trustKeys,
    replay: { maxBytesPerCall, maxBytes },
    onAttempt,
    ambient,
    clock,
    random,
  };
}

function methodRules(
  base: CompleteRules,
  methods: Readonly<Record<string, RetryRules | false>>,
): ReadonlyMap<string, CompleteRules | false> {
  const complete = new Map<string, CompleteRules | false>();
  checkFields("methods", methods, Object.keys(methods ?? {}));
  // Services first, because their methods build on them.
  const names = Object.keys(methods).toSorted((a, b) => Number(a.includes("/")) - Number(b.includes("/")));
  for (const name of names) {
    if (!/^[\w.]+(\/\w+)?$/.test(name)) {
      throw new TypeError(`methods: "${name}" is neither a method ("shop.v1.Orders/list") nor a service`);
    }
    const rules = methods[name];
    const service = complete.get(name.split("/", 1)[0] as string) || base;
    complete.set(name, rules === false ? false : rulesOver(service, rules as RetryRules, `methods["${name}"]`));
  }
  return complete;
}

function budgetMaker(budget: RetryOptions["budget"]): () => RetryBudget | undefined {
  if (budget === false) return () => undefined;
  if (budget instanceof RetryBudget) return () => budget;
  // The first one is made now, so that what is wrong is known now.
  let first: RetryBudget | undefined = new RetryBudget(budget);
  return () => {
    const made = first ?? new RetryBudget(budget);
    first = undefined;
    return made;
  };
}

function throttleMaker(throttle: boolean | ThrottleOptions): () => Throttle | undefined {
  if (throttle === false) return () => undefined;
  const options = throttle === true ? {} : throttle;
  let first: Throttle | undefined = new Throttle(options);
  return () => {
    const made = first ?? new Throttle(options);
    first = undefined;
    return made;
  };
}
