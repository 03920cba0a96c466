import type { Clock } from "../src/index.ts";

export interface VirtualClock extends Clock {
  /** Lets time go by; timers fire in order. */
  advance(ms: number): void;
  /** How many timers wait. */
  readonly timers: number;
}

export function virtualClock(): VirtualClock {
  let now = 1_000;
  let next = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  return {
    now: () => now,
    setTimeout(callback, ms) {
      timers.set(++next, { at: now + Math.max(0, ms), callback });
      return next;
    },
    clearTimeout: (timer) => void timers.delete(timer as number),
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.at <= until)
          .sort((a, b) => a[1].at - b[1].at || a[0] - b[0]);
        const first = due[0];
        if (first === undefined) break;
        timers.delete(first[0]);
        now = Math.max(now, first[1].at);
        first[1].callback();
      }
      now = until;
    },
    get timers() {
      return timers.size;
    },
  };
}
