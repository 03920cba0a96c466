import { RpcError } from "../rpc-error.ts";
import { isSameValue, show } from "./same-value.ts";

/** Fails when the two are not the same in kind and content. */
export function same(actual: unknown, expected: unknown, what = "value"): void {
  if (!isSameValue(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Fails unless `condition` holds. */
export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** The `RpcError` that a call ends with; fails when it has another code or word on processing, or none. */
export async function failsWith(
  call: PromiseLike<unknown>,
  code: RpcError["code"],
  processed?: RpcError["processed"],
): Promise<RpcError> {
  let result: unknown;
  try {
    result = await call;
  } catch (error) {
    if (!(error instanceof RpcError)) throw new Error(`expected an RpcError, got ${String(error)}`, { cause: error });
    if (error.code !== code) throw new Error(`expected ${code}, got ${error.message}`, { cause: error });
    if (processed !== undefined) same(error.processed, processed, `processed of "${error.message}"`);
    return error;
  }
  throw new Error(`expected ${code}, got ${show(result)}`);
}

/** Goes on beside others; when the test fails before it is awaited, its own failure is no news. */
export function aside<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Waits until `condition` holds; the runner's time limit is the only one. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Waits until a figure has stopped to change for a good while. */
export async function untilStill(figure: () => number): Promise<void> {
  for (let [still, last] = [0, figure()]; still < 40; still++) {
    await turn();
    if (figure() !== last) [still, last] = [0, figure()];
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
