import { RpcError } from "@farcall/core";
import { expect } from "vitest";

/** Waits for a condition. */
export async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000, interval: 5 }).toBe(true);
}

/** The `RpcError` that a promise rejects with. */
export async function rpcRejection(promise: PromiseLike<unknown>): Promise<RpcError> {
  const outcome = await promise.then(
    (value) => new Error(`it should have failed, and gave ${String(value)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof RpcError) return outcome;
  throw outcome;
}

/** Lets promises that are settled already have their say. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 500; i++) await Promise.resolve();
}
