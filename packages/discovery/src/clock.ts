/** What waits and what jitters asks this; another one makes tests exact. */
export interface Clock {
  /** ms, never going back. */
  now(): number;
  setTimeout(callback: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Longest delay that timers know, ms: about 25 days. */
const maxTimerMs = 0x7fffffff;

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, Math.min(ms, maxTimerMs)),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
