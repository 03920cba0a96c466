import type { ListenOptions } from "node:net";

/** The same error with a message that says what to do, where there is something to say; its code and cause stay. */
export function explainListenError(error: NodeJS.ErrnoException, { reusePort }: ListenOptions): Error {
  if (reusePort !== true || error.code !== "ENOTSUP") return error;
  const message =
    "this system cannot spread the connections to a port over several listeners (reusePort); node:cluster can share one";
  return Object.assign(new Error(`${message} (${error.code})`, { cause: error }), { code: error.code });
}
