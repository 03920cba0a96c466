import { setTimeout as sleep } from "node:timers/promises";
import { RpcError } from "farcall";

/**
 * Calls again as long as no handler has seen the call: the server says so (`processed: "no"`), and often how long to wait.
 * It is what an interceptor for retries will do. No attempt begins when a minute is over; `again` may throw to end it before.
 */
export async function untilAnswered<T>(call: () => Promise<T>, again: (error: RpcError) => void): Promise<T> {
  const until = performance.now() + 60_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RpcError) || error.processed !== "no" || !passing.has(error.code)) throw error;
      if (performance.now() > until) throw error;
      again(error);
      if (typeof error.retryAfterMs === "number") await sleep(error.retryAfterMs);
    }
  }
}

/** What may be otherwise at the next attempt. A method that is not there stays away. */
const passing: ReadonlySet<string> = new Set(["UNAVAILABLE", "RESOURCE_EXHAUSTED"]);
