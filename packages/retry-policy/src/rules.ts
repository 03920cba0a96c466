import { type ErrorCode, statusNumbers } from "@farcall/core";
import { type Backoff, backoff, type BackoffOptions } from "./backoff.ts";
import { checkFields, checkNumber, show } from "./check.ts";
import { defaultCodes, isHopeless } from "./decide.ts";
import { type HedgeOptions, type HedgeRules, hedgeRules } from "./hedging.ts";

/** How calls are tried again. What is left out is as in the wider rules: those of the client, then the defaults. */
export interface RetryRules {
  /** Attempts in all, the first included. Default 3. */
  readonly attempts?: number;
  /** Delays between attempts. */
  readonly backoff?: BackoffOptions;
  /** Codes that are worth another attempt, where the effect allows one. Default `["UNAVAILABLE"]`. */
  readonly codes?: readonly ErrorCode[];
  /** Longest wait for the first response of one attempt, ms. Default none. */
  readonly attemptTimeoutMs?: number;
  /** An attempt that would have less time than this does not begin, ms. Default 1. */
  readonly minAttemptMs?: number;
  /** A server that says to wait longer than this is not waited for: its error is final. Default 5,000. */
  readonly maxPushbackMs?: number;
  /**
   * Instead of retries: another attempt beside the first when that is slow. For `pure` and `natural` methods with one
   * request; the others are retried all the same. `true` for the defaults. Contradicts `attempts` and `backoff`.
   */
  readonly hedge?: boolean | HedgeOptions;
  /** A limit for the whole call, ms; the caller's own counts too. Default none. */
  readonly timeoutMs?: number;
  /** Calls wait for a connection as if the caller had asked for it. Default false. */
  readonly waitForReady?: boolean;
}

/** Rules without gaps. */
export interface CompleteRules {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly codes: ReadonlySet<ErrorCode>;
  readonly attemptTimeoutMs: number;
  readonly minAttemptMs: number;
  readonly maxPushbackMs: number;
  readonly hedge: HedgeRules | undefined;
  readonly timeoutMs: number;
  readonly waitForReady: boolean;
}

export const defaultRules: CompleteRules = {
  attempts: 3,
  backoff: backoff(),
  codes: new Set(defaultCodes),
  attemptTimeoutMs: Infinity,
  minAttemptMs: 1,
  maxPushbackMs: 5_000,
  hedge: undefined,
  timeoutMs: Infinity,
  waitForReady: false,
};

/** The names of the fields of `RetryRules`. */
export const ruleFields: readonly string[] = Object.keys(defaultRules);

/**
 * `base` with `changes` laid over it.
 * @param field What the changes are called in errors; empty for the options themselves.
 * @throws RangeError or TypeError that names the field.
 */
export function rulesOver(base: CompleteRules, changes: RetryRules, field: string): CompleteRules {
  checkFields(field === "" ? "the options" : field, changes, ruleFields);
  const at = (name: string): string => (field === "" ? name : `${field}.${name}`);
  const positive = (name: "attemptTimeoutMs" | "timeoutMs"): number =>
    changes[name] === undefined ? base[name] : checkNumber(at(name), changes[name], { min: 0, above: true });
  const { attempts, codes, minAttemptMs, maxPushbackMs, hedge, waitForReady } = changes;
  if (waitForReady !== undefined && typeof waitForReady !== "boolean") {
    throw new TypeError(`${at("waitForReady")} must be true or false, got ${show(waitForReady)}`);
  }
  if (hedge !== undefined && hedge !== false) {
    const other = attempts === undefined ? (changes.backoff === undefined ? undefined : "backoff") : "attempts";
    if (other !== undefined) {
      throw new TypeError(`${at("hedge")} and ${at(other)} contradict each other: a method is retried or hedged`);
    }
  }
  return {
    attempts:
      attempts === undefined
        ? base.attempts
        : checkNumber(at("attempts"), attempts, { min: 1, max: 100, integer: true }),
    backoff: changes.backoff === undefined ? base.backoff : backoff(changes.backoff, at("backoff")),
    codes: codes === undefined ? base.codes : codeSet(codes, at("codes")),
    attemptTimeoutMs: positive("attemptTimeoutMs"),
    minAttemptMs:
      minAttemptMs === undefined
        ? base.minAttemptMs
        : checkNumber(at("minAttemptMs"), minAttemptMs, { min: 0, max: 3_600_000 }),
    maxPushbackMs:
      maxPushbackMs === undefined
        ? base.maxPushbackMs
        : checkNumber(at("maxPushbackMs"), maxPushbackMs, { min: 0, max: 2 ** 31 - 1 }),
    hedge: hedgeOver(base.hedge, changes, at("hedge")),
    timeoutMs: positive("timeoutMs"),
    waitForReady: waitForReady ?? base.waitForReady,
  };
}

function hedgeOver(base: HedgeRules | undefined, changes: RetryRules, field: string): HedgeRules | undefined {
  const { hedge } = changes;
  if (hedge === false) return undefined;
  if (hedge !== undefined) return hedgeRules(hedge === true ? {} : hedge, field);
  // Who asks for retries where the wider rules hedge wants retries.
  return changes.attempts === undefined && changes.backoff === undefined ? base : undefined;
}

/** @throws TypeError on what is no code, RangeError on one that no repetition helps. */
function codeSet(codes: readonly ErrorCode[], field: string): ReadonlySet<ErrorCode> {
  if (!Array.isArray(codes)) throw new TypeError(`${field} must be a list of codes, got ${show(codes)}`);
  return new Set(
    codes.map((code: unknown, i) => {
      if (!isErrorCode(code)) {
        throw new TypeError(`${field}[${i}]: ${show(code)} is not the code of an error, such as "UNAVAILABLE"`);
      }
      if (isHopeless(code)) throw new RangeError(`${field}[${i}]: ${code} fails again, so it is never retried`);
      return code;
    }),
  );
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(statusNumbers, code) && code !== "OK";
}
