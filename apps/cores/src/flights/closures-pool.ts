import { RpcError } from "farcall";
import { Piscina } from "piscina";
import type { Closures, ClosuresTask } from "./closures.ts";

export interface ClosuresPoolOptions {
  /** Threads that compute. Each is a core that the server's own thread doesn't have. */
  readonly threads: number;
  /** Tasks that may wait for a thread. */
  readonly maxWaiting: number;
}

/** Computes closures in threads of its own, so that the event loop stays free for small calls. */
export interface ClosuresPool extends AsyncDisposable {
  /**
   * Rejects with RESOURCE_EXHAUSTED and a time to wait when too many wait already. When `signal` aborts, a task that
   * waits is dropped, and the thread of one that runs is ended and replaced: plain code can't be stopped otherwise.
   */
  run(task: ClosuresTask, signal: AbortSignal): Promise<Closures>;
}

export function closuresPool({ threads, maxWaiting }: ClosuresPoolOptions): ClosuresPool {
  const pool = new Piscina<ClosuresTask, Closures>({
    filename: new URL("closures.ts", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  let open = 0;
  return {
    async run(task, signal) {
      // The pool's own limit, `maxQueue`, does not count tasks that have a signal.
      if (open >= threads + maxWaiting) throw full(pool);
      open++;
      try {
        return await pool.run(task, { signal });
      } finally {
        open--;
      }
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

/** Nothing was begun, so the call may go elsewhere at once, or come again when a task should have ended. */
function full(pool: Piscina): RpcError {
  // Not a number before the first task has ended.
  const averageMs = pool.histogram.runTime.average || 500;
  return new RpcError("RESOURCE_EXHAUSTED", "all threads are busy, and enough calls wait for them", {
    processed: "no",
    retryAfterMs: Math.round(Math.min(Math.max(averageMs, 50), 2_000)),
  });
}
