import type { ErrorCode, RpcError } from "@farcall/core";
import { checkCounts, checkKnown, checkPositive } from "./options.ts";

/** When an endpoint that answers gets no calls for a while, because they fail there. */
export interface OutlierOptions {
  /** Failures in a row. Default 5; `false` for never. */
  readonly consecutive?: number | false | undefined;
  /** A success rate far below the others'. `false` for never. */
  readonly successRate?: SuccessRateOptions | false | undefined;
  /** A large share of failures. `false` for never. */
  readonly failurePercentage?: FailurePercentageOptions | false | undefined;
  /** Time over which rates are taken, ms. Default 10,000. */
  readonly intervalMs?: number | undefined;
  /** How long it is left out, ms, times the number of times it was. Default 30,000. */
  readonly baseMs?: number | undefined;
  /** Longest time that it is left out, ms. Default 300,000. */
  readonly maxMs?: number | undefined;
  /** Part of the list that may be left out at once, per cent. Default 50. One of two may be, and never the last. */
  readonly maxEjectedPercent?: number | undefined;
  /** Does this end of a call speak against the endpoint? Default: UNAVAILABLE, DEADLINE_EXCEEDED, INTERNAL, UNKNOWN, DATA_LOSS. */
  readonly isFailure?: ((error: RpcError) => boolean) | undefined;
}

export interface SuccessRateOptions {
  /** How many standard deviations below the mean. Default 1.9. */
  readonly stdevFactor?: number | undefined;
  /** Endpoints with enough calls that it takes to compare. Default 5. */
  readonly minHosts?: number | undefined;
  /** Calls that an endpoint must have had in the interval. Default 100. */
  readonly minCalls?: number | undefined;
}

export interface FailurePercentageOptions {
  /** Above this many failures of a hundred calls. Default 85. */
  readonly threshold?: number | undefined;
  /** Endpoints with enough calls that it takes. Default 5. */
  readonly minHosts?: number | undefined;
  /** Calls that an endpoint must have had in the interval. Default 50. */
  readonly minCalls?: number | undefined;
}

/** The options with their defaults. */
export interface OutlierRules {
  readonly consecutive: number;
  readonly successRate: Required<{ [K in keyof SuccessRateOptions]: number }> | undefined;
  readonly failurePercentage: Required<{ [K in keyof FailurePercentageOptions]: number }> | undefined;
  readonly intervalMs: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly maxEjectedPercent: number;
  readonly isFailure: (error: RpcError) => boolean;
}

const failureCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "INTERNAL",
  "UNKNOWN",
  "DATA_LOSS",
]);

/** @throws RangeError or TypeError that names the option. */
export function outlierRules(options: OutlierOptions = {}): OutlierRules {
  const known = ["consecutive", "successRate", "failurePercentage", "intervalMs", "baseMs", "maxMs"];
  checkKnown("outliers", options, [...known, "maxEjectedPercent", "isFailure"]);
  const { consecutive = 5, intervalMs = 10_000, baseMs = 30_000, maxMs = 300_000, maxEjectedPercent = 50 } = options;
  const { isFailure = (error) => failureCodes.has(error.code) } = options;
  if (consecutive !== false) checkCounts({ "outliers.consecutive": consecutive });
  checkPositive({ "outliers.intervalMs": intervalMs, "outliers.baseMs": baseMs, "outliers.maxMs": maxMs });
  if (maxMs < baseMs) throw new RangeError("outliers.maxMs must not be below outliers.baseMs");
  if (!(maxEjectedPercent >= 0 && maxEjectedPercent <= 100)) {
    throw new RangeError(`outliers.maxEjectedPercent must be 0 to 100, got ${maxEjectedPercent}`);
  }
  if (typeof isFailure !== "function") throw new TypeError("outliers.isFailure must be a function");
  return {
    consecutive: consecutive === false ? Infinity : consecutive,
    successRate: successRateRules(options.successRate),
    failurePercentage: failurePercentageRules(options.failurePercentage),
    intervalMs,
    baseMs,
    maxMs,
    maxEjectedPercent,
    isFailure,
  };
}

function successRateRules(options: SuccessRateOptions | false = {}): OutlierRules["successRate"] {
  if (options === false) return undefined;
  checkKnown("outliers.successRate", options, ["stdevFactor", "minHosts", "minCalls"]);
  const { stdevFactor = 1.9, minHosts = 5, minCalls = 100 } = options;
  checkPositive({ "outliers.successRate.stdevFactor": stdevFactor });
  checkCounts({ "outliers.successRate.minHosts": minHosts, "outliers.successRate.minCalls": minCalls });
  return { stdevFactor, minHosts, minCalls };
}

function failurePercentageRules(options: FailurePercentageOptions | false = {}): OutlierRules["failurePercentage"] {
  if (options === false) return undefined;
  checkKnown("outliers.failurePercentage", options, ["threshold", "minHosts", "minCalls"]);
  const { threshold = 85, minHosts = 5, minCalls = 50 } = options;
  checkCounts({ "outliers.failurePercentage.minHosts": minHosts, "outliers.failurePercentage.minCalls": minCalls });
  if (!(threshold >= 0 && threshold <= 100)) {
    throw new RangeError(`outliers.failurePercentage.threshold must be 0 to 100, got ${threshold}`);
  }
  return { threshold, minHosts, minCalls };
}
