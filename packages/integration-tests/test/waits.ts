import { RpcError } from "@farcall/core";

/** What a promise rejects with. */
async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`it should have failed, and gave ${String(value)}`);
}

/** The `RpcError` that a promise rejects with. */
export async function rpcRejection(promise: PromiseLike<unknown>): Promise<RpcError> {
  const error = await rejection(promise);
  if (error instanceof RpcError) return error;
  throw new Error(`an RpcError was expected, got ${String(error)}`, { cause: error });
}

/** All messages of a stream. */
export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}
