/** Is this a promise, of whatever realm or library? Query builders, for example, have a `then` and are no `Promise`. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
