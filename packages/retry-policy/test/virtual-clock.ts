import type { Clock } from "../src/index.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Time that goes by only when a test says so. */
export class VirtualClock implements Clock {
  #now = 0;
  #timers = new Set<Timer>();

  /** Timers that have neither fired nor been stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  start(run: () => void, ms: number): unknown {
    const timer: Timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return timer;
  }

  stop(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** Lets `ms` go by: what is due happens in order, with the microtasks that it sets off. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settled();
    }
    this.#now = until;
  }
}

/** After everything that needs no time. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
