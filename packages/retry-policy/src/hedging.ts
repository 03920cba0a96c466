import { checkFields, checkNumber } from "./check.ts";
import { LatencyQuantile } from "./latency-quantile.ts";

export interface HedgeOptions {
  /** Time after which another attempt is sent beside the first, ms. Default: the latency that 95 % of the calls stay below. */
  readonly delayMs?: number;
  /** Attempts in all, the first included. Default 2. */
  readonly attempts?: number;
  /** Hedges per call, on average, at most. Default 0.05. */
  readonly maxExtraShare?: number;
}

export interface HedgeRules {
  readonly delayMs: number | undefined;
  readonly attempts: number;
  readonly maxExtraShare: number;
}

/** @throws RangeError or TypeError that names the field. */
export function hedgeRules(options: HedgeOptions, field: string): HedgeRules {
  checkFields(field, options, ["delayMs", "attempts", "maxExtraShare"]);
  const { delayMs, attempts = 2, maxExtraShare = 0.05 } = options;
  if (delayMs !== undefined) checkNumber(`${field}.delayMs`, delayMs, { min: 0, max: 2 ** 31 - 1 });
  checkNumber(`${field}.attempts`, attempts, { min: 2, max: 5, integer: true });
  checkNumber(`${field}.maxExtraShare`, maxExtraShare, { min: 0, max: 1, above: true });
  return { delayMs, attempts, maxExtraShare };
}

/** Hedges that may be saved up while none are needed. */
const maxSavedHedges = 10;

/** When a method's calls are hedged: after which time, and whether there is room for one more. */
export class Hedging {
  readonly rules: HedgeRules;
  readonly #latency = new LatencyQuantile(0.95);
  /** Hedges that are allowed now: each call adds its share. It starts at none, so the share holds from the first call. */
  #allowed = 0;

  constructor(rules: HedgeRules) {
    this.rules = rules;
  }

  /** A call begins. Returns after which time it is hedged, ms; undefined while that is not known. */
  called(): number | undefined {
    this.#allowed = Math.min(maxSavedHedges, this.#allowed + this.rules.maxExtraShare);
    return this.rules.delayMs ?? this.#latency.value;
  }

  /** Takes one of the allowed hedges, if there is one. */
  take(): boolean {
    // Shares are fractions whose sum may fall short by a rounding error.
    if (this.#allowed < 1 - 1e-9) return false;
    this.#allowed = Math.max(0, this.#allowed - 1);
    return true;
  }

  /** A first attempt was answered after so long, or was still not when another was. */
  answered(ms: number): void {
    if (this.rules.delayMs === undefined) this.#latency.add(ms);
  }
}
