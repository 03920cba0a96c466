/** When a load ends: once it has lasted `ms` and made `calls`, but after `maxMs` in any case. */
export interface Until {
  readonly ms: number;
  readonly calls?: number;
  readonly maxMs?: number;
}

export interface Lane {
  /** Starts a call, and calls `done` or `failed` when its answer was checked. `done` may start the next. */
  start(done: () => void, failed: (error: unknown) => void): void;
}

/** What a load did. */
export interface Load {
  readonly calls: number;
  readonly ms: number;
}

/**
 * Keeps one call of each lane in flight: an answer starts the next call of its lane, and nothing else is done for a call
 * here, so that what is measured is the contender. Resolves when the last call has ended.
 */
export function keepInFlight(lanes: readonly Lane[], { ms, calls = 0, maxMs = Infinity }: Until): Promise<Load> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let done = 0;
    let open = lanes.length;
    let over = false;
    const checkMs = Math.min(10, ms);
    // The clock is read by a timer instead of after each call.
    const clock = setInterval(() => {
      const elapsed = performance.now() - start;
      over = (elapsed >= ms && done >= calls) || elapsed >= maxMs;
      if (over) clearInterval(clock);
    }, checkMs);
    const failed = (error: unknown): void => {
      over = true;
      clearInterval(clock);
      reject(error as Error);
    };
    for (const lane of lanes) {
      const next = (): void => {
        done++;
        if (!over) lane.start(next, failed);
        else if (--open === 0) resolve({ calls: done, ms: performance.now() - start });
      };
      lane.start(next, failed);
    }
  });
}
