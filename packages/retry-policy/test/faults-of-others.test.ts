import pRetry from "p-retry";
import { expect, test } from "vitest";
import { retryPolicy, withRetry } from "../src/index.ts";

// What was found in libraries of this kind, as tests of this one. Where a fault can be shown without waiting, it is.

test("nothing but the last failure decides: a function that aborted its own run is not run again", async () => {
  let ran = 0;
  const abort = new AbortController();
  const run = withRetry(
    retryPolicy({ backoff: { baseMs: 0, maxMs: 0 } }),
    () => {
      ran++;
      abort.abort(new Error("enough"));
      throw new Error("fails");
    },
    { signal: abort.signal },
  );
  await expect(run).rejects.toThrow("enough");
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(ran).toBe(1);
});

test("a hundred runs against something that is down make few retries, where a library without a budget makes all", async () => {
  const counted = async (each: (work: () => Promise<never>) => Promise<unknown>): Promise<number> => {
    let ran = 0;
    const down = (): Promise<never> => {
      ran++;
      return Promise.reject(new Error("down"));
    };
    await Promise.allSettled(Array.from({ length: 100 }, () => each(down)));
    return ran;
  };
  const policy = retryPolicy({ backoff: { baseMs: 0, maxMs: 0 } });
  const others = await counted((work) => pRetry(work, { retries: 2, minTimeout: 0, maxTimeout: 0 }));
  const ours = await counted((work) => withRetry(policy, work));
  expect(others).toBe(300);
  expect(ours).toBeLessThan(120);
});
