import type { Clock } from "./clock.ts";

// In Node this is several times cheaper than `queueMicrotask`.
const settled = Promise.resolve();

/**
 * The time at which the turn of the microtask queue began that is under way: right but for what the turn itself takes,
 * and read once for all calls that begin in it. Reading the clock costs more than the rest of what a call that succeeds
 * at once needs here.
 */
export class TurnClock {
  readonly #clock: Clock;
  #now = 0;
  #isFresh = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    if (this.#isFresh) return this.#now;
    this.#isFresh = true;
    void settled.then(this.#forget);
    return (this.#now = this.#clock.now());
  }

  readonly #forget = (): void => {
    this.#isFresh = false;
  };
}
