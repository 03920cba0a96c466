import type { RpcError } from "@farcall/core";
import { checkFields, checkNumber } from "./check.ts";
import { RecentCount } from "./recent-count.ts";

export interface ThrottleOptions {
  /** Requests that are let through for each one that was accepted. Default 2. */
  readonly factor?: number;
  /** How far back it looks, ms. Default 10,000. */
  readonly windowMs?: number;
  /** Share of the requests that always pass, so that a recovery is noticed. Default 0.1. */
  readonly minPassShare?: number;
}

/**
 * Adaptive throttling (Beyer et al., "Site Reliability Engineering", chapter 21): when a target accepts far less than
 * it is asked, the client itself refuses a part, with probability max(0, (requests − factor · accepts) / (requests + 1)).
 * Any answer of the application counts as accepted, errors too.
 */
export class Throttle {
  readonly #factor: number;
  readonly #maxRejected: number;
  readonly #requests: RecentCount;
  readonly #accepts: RecentCount;

  /** @throws RangeError or TypeError that names the field. */
  constructor(options: ThrottleOptions = {}, field = "throttle") {
    checkFields(field, options, ["factor", "windowMs", "minPassShare"]);
    const { factor = 2, windowMs = 10_000, minPassShare = 0.1 } = options;
    this.#factor = checkNumber(`${field}.factor`, factor, { min: 1, max: 1_000 });
    checkNumber(`${field}.windowMs`, windowMs, { min: 100, max: 3_600_000 });
    this.#maxRejected = 1 - checkNumber(`${field}.minPassShare`, minPassShare, { min: 0, max: 1 });
    this.#requests = new RecentCount(windowMs);
    this.#accepts = new RecentCount(windowMs);
  }

  /** How likely the next request is refused, 0 to 1. */
  rejectProbability(now: number): number {
    const requests = this.#requests.total(now);
    const excess = (requests - this.#factor * this.#accepts.total(now)) / (requests + 1);
    return Math.min(this.#maxRejected, Math.max(0, excess));
  }

  /** An attempt is about to begin. Returns whether it may. @param random Numbers from 0 to below 1. */
  admits(now: number, random: () => number): boolean {
    const probability = this.rejectProbability(now);
    this.#requests.add(now);
    return probability === 0 || random() >= probability;
  }

  /** The target has accepted a request. */
  accepted(now: number): void {
    this.#accepts.add(now);
  }
}

/** Is it the application that speaks, rather than a target that is down or drowns? */
export function isAnswer(error: RpcError): boolean {
  return error.code !== "UNAVAILABLE" && error.code !== "RESOURCE_EXHAUSTED";
}
