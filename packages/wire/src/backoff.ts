import type { BackoffOptions } from "./wire-options.ts";

/** Waits between attempts to connect: exponential, with jitter so that clients do not come back together. */
export class Backoff {
  readonly #initialMs: number;
  readonly #factor: number;
  readonly #jitter: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  /** The next wait before jitter. */
  #baseMs: number;

  constructor(options: BackoffOptions = {}, random: () => number = Math.random) {
    this.#initialMs = options.initialMs ?? 1_000;
    this.#factor = options.factor ?? 1.6;
    this.#jitter = options.jitter ?? 0.2;
    this.#maxMs = options.maxMs ?? 120_000;
    this.#random = random;
    this.#baseMs = this.#initialMs;
    if (!(this.#initialMs >= 0))
      throw new RangeError(`backoff.initialMs must not be negative, got ${options.initialMs}`);
    if (!(this.#factor >= 1)) throw new RangeError(`backoff.factor must be at least 1, got ${options.factor}`);
    if (!(this.#jitter >= 0 && this.#jitter <= 1))
      throw new RangeError(`backoff.jitter must be 0 to 1, got ${options.jitter}`);
    if (!(this.#maxMs >= this.#initialMs)) throw new RangeError("backoff.maxMs must not be below backoff.initialMs");
  }

  /** After another failure: how long to wait, ms. */
  next(): number {
    const base = this.#baseMs;
    this.#baseMs = Math.min(base * this.#factor, this.#maxMs);
    return base * (1 + this.#jitter * (2 * this.#random() - 1));
  }

  /** A connection was good. */
  reset(): void {
    this.#baseMs = this.#initialMs;
  }
}
