import type { Effect, ErrorCode, RpcError } from "@farcall/core";

/** What a failed attempt tells: the part of an `RpcError` that decisions depend on. */
export type Failure = Pick<RpcError, "code" | "processed" | "retryAfterMs" | "remote">;

export type Verdict =
  /** The failure is final. */
  | "stop"
  /** The server said, or tried to say, that it must not be tried again. */
  | "forbidden"
  /** It provably reached no handler: at once, elsewhere, once for each endpoint, free of attempts and budget. */
  | "move"
  /** Later: after the server's pushback if there is one, after the back-off otherwise. */
  | "retry"
  /** Another call with the same key is at work: after the server's pushback, free of attempts and budget. */
  | "await";

/** Codes that say of themselves that trying again helps; others are opted in. */
export const defaultCodes: readonly ErrorCode[] = ["UNAVAILABLE"];

/** What one repetition would fail with as well, whatever the effect and whoever opts in by mistake. */
const hopeless: ReadonlySet<ErrorCode> = new Set([
  "CANCELLED",
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "DATA_LOSS",
  "UNAUTHENTICATED",
]);

/** Can trying again ever help after this code? */
export function isHopeless(code: ErrorCode): boolean {
  return hopeless.has(code);
}

/**
 * Deciding: may a failed attempt be followed by another? The first row that matches wins. It has no state and knows
 * neither time nor budget: what it allows may still come too late or cost too much.
 *
 * | failure | pure, natural | keyed | at-most-once | unsafe |
 * |---|---|---|---|---|
 * | cancelled, deadline over, invalid, denied, not found, … | stop | stop | stop | stop |
 * | pushback "never", or unreadable | forbidden | forbidden | forbidden | forbidden |
 * | RESOURCE_EXHAUSTED with pushback | retry | retry | retry | if unprocessed |
 * | ABORTED with pushback | stop | await | await | stop |
 * | provably unprocessed | move | move | move | move |
 * | UNAVAILABLE, attempt timeout | retry | retry | retry | stop |
 * | INTERNAL, UNKNOWN, … when opted in | retry | retry | stop | stop |
 *
 * @param effect That of the method. `keyed` and `at-most-once` are for endpoints that honour keys; others are `unsafe`.
 * @param codes What counts as worth a retry: `defaultCodes` and what was opted in.
 * @param attemptTimedOut Was it the attempt's own limit that passed, with time left for the call?
 */
export function decide(
  failure: Failure,
  effect: Effect,
  codes: ReadonlySet<ErrorCode>,
  attemptTimedOut: boolean,
): Verdict {
  const { code, processed, retryAfterMs } = failure;
  const optedIn = codes.has(code);
  if (hopeless.has(code) || (code === "DEADLINE_EXCEEDED" && !attemptTimedOut && !optedIn)) return "stop";
  if (isUnreadable(retryAfterMs)) return "forbidden";
  const hasPushback = retryAfterMs !== undefined;
  const isRepeatable = effect === "pure" || effect === "natural";
  if (code === "RESOURCE_EXHAUSTED") {
    if (hasPushback) return effect !== "unsafe" || processed === "no" ? "retry" : "stop";
    return optedIn && isRepeatable ? "retry" : "stop";
  }
  if (code === "ABORTED" && hasPushback && (effect === "keyed" || effect === "at-most-once")) return "await";
  if (processed === "no") {
    // What this end could not send, such as a request that has no encoding, it can't send elsewhere either.
    if (code !== "UNAVAILABLE" && !failure.remote && !attemptTimedOut) return "stop";
    return hasPushback ? "retry" : "move";
  }
  if (effect === "unsafe") return "stop";
  if (attemptTimedOut || (code === "UNAVAILABLE" && optedIn)) return "retry";
  return optedIn && effect !== "at-most-once" ? "retry" : "stop";
}

/** A pushback that is no number of milliseconds means "do not": trying at once is the one thing it can't have meant. */
function isUnreadable(retryAfterMs: unknown): boolean {
  if (retryAfterMs === undefined) return false;
  return typeof retryAfterMs !== "number" || !Number.isFinite(retryAfterMs) || retryAfterMs < 0;
}
