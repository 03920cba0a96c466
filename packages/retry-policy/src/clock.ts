/** Time as everything here sees it; given by tests, the system's otherwise. */
export interface Clock {
  /** Milliseconds that never go back, on the same clock as the deadlines of calls. */
  now(): number;
  /** Calls `run` once, `ms` from now at the earliest. Returns what `stop` takes. */
  start(run: () => void, ms: number): unknown;
  stop(timer: unknown): void;
}

// The global is a getter that costs as much as reading the clock does.
const { performance } = globalThis;

/** The longest time that a timer of the platform can wait; a longer one would fire at once. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  start: (run, ms) => setTimeout(run, Math.min(ms, maxTimerMs)),
  stop: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
