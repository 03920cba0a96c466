const initialMs = 1_000;
const factor = 1.6;
const jitter = 0.2;
const maxMs = 120_000;

/** Waits between attempts: 1 s × 1.6 ± 20 %, at most 120 s, so that clients do not come back together. */
export class Backoff {
  readonly #random: () => number;
  #baseMs = initialMs;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** After another failure: how long to wait, ms. */
  next(): number {
    const base = this.#baseMs;
    this.#baseMs = Math.min(base * factor, maxMs);
    return base * (1 + jitter * (2 * this.#random() - 1));
  }

  /** It went well. */
  reset(): void {
    this.#baseMs = initialMs;
  }
}
