/** Longest delay that timers know, ms: about 25 days. */
const maxTimerMs = 0x7fffffff;

/** The time that open calls have to end by themselves when something closes. Closing again can only shorten it. */
export class GracePeriod {
  /** Resolves when the time is over; never, if it is ended first. */
  readonly over: Promise<void>;
  #resolve: () => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;
  #until = Infinity;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** At most so long from now, ms; `Infinity` for as long as it takes. */
  limit(graceMs: number): void {
    const until = performance.now() + graceMs;
    if (until >= this.#until) return;
    this.#until = until;
    clearTimeout(this.#timer);
    // Longer than a timer can be is for ever.
    if (graceMs <= maxTimerMs) this.#timer = setTimeout(this.#resolve, graceMs);
  }

  /** Everything has ended by itself. */
  end(): void {
    this.#until = -Infinity;
    clearTimeout(this.#timer);
  }
}
