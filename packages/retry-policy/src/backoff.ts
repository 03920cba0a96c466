import { checkFields, checkNumber, show } from "./check.ts";

/** How delays differ from one caller to the next, so that they do not come back together. */
export type Jitter =
  /** Anything from 0 to the exponential delay. */
  | "full"
  /** Anything from `baseMs` to three times the delay before (Brooker, "Exponential Backoff And Jitter"). */
  | "decorrelated"
  /** The exponential delay ± 20 %, as gRPC does. */
  | "proportional";

export interface BackoffOptions {
  /** The delay before the first retry, before jitter, ms. Default 50. */
  readonly baseMs?: number;
  /** How much longer each delay is than the one before. Default 2. */
  readonly factor?: number;
  /** The longest delay, before jitter, ms. Default 1,000. */
  readonly maxMs?: number;
  /** Default `full`. */
  readonly jitter?: Jitter;
}

/** Spacing: how long to wait before a retry. It has no state; what it depends on is passed in. */
export interface Backoff {
  /**
   * @param retry 1 for the first retry.
   * @param previousMs The delay before, 0 if there was none.
   * @param random Numbers from 0 to below 1.
   * @returns Milliseconds: at most `maxMs`, or 1.2 times that with proportional jitter.
   */
  delayMs(retry: number, previousMs: number, random: () => number): number;
}

const jitters: readonly Jitter[] = ["full", "decorrelated", "proportional"];

/** @throws RangeError or TypeError that names the field. */
export function backoff(options: BackoffOptions = {}, field = "backoff"): Backoff {
  checkFields(field, options, ["baseMs", "factor", "maxMs", "jitter"]);
  const { baseMs = 50, factor = 2, maxMs = Math.max(1_000, Number(baseMs)), jitter = "full" } = options;
  checkNumber(`${field}.baseMs`, baseMs, { min: 0, max: 2 ** 31 - 1 });
  checkNumber(`${field}.factor`, factor, { min: 1, max: 100 });
  checkNumber(`${field}.maxMs`, maxMs, { min: baseMs, max: 2 ** 31 - 1 });
  if (!jitters.includes(jitter)) {
    throw new TypeError(`${field}.jitter must be one of ${jitters.join(", ")}, got ${show(jitter)}`);
  }
  // Zero times infinity is no number.
  const exponential = (retry: number): number => (baseMs === 0 ? 0 : Math.min(maxMs, baseMs * factor ** (retry - 1)));
  switch (jitter) {
    case "full":
      return { delayMs: (retry, _, random) => random() * exponential(retry) };
    case "proportional":
      return { delayMs: (retry, _, random) => exponential(retry) * (0.8 + 0.4 * random()) };
    case "decorrelated":
      return {
        delayMs(_, previousMs, random) {
          const highest = Math.max(baseMs, previousMs) * 3;
          return Math.min(maxMs, baseMs + random() * (highest - baseMs));
        },
      };
  }
}
