import type { Method, RpcError, StopReason } from "@farcall/core";
import type { Attempt } from "./attempt.ts";
import type { Step } from "./course.ts";
import type { AttemptEvent } from "./retry-event.ts";

/** What follows an attempt: another one, nothing yet because others are at work, or the end of the call. */
export type Sequel = Step | "others" | { readonly stopped: StopReason | undefined };

/** What a listener hears of an attempt that is over. `peer` is whom it asked, where that is known already. */
export function attemptEvent(
  method: Method,
  attempt: Attempt,
  error: RpcError | undefined,
  peer: string | undefined,
  sequel: Sequel,
  now: number,
): AttemptEvent {
  const end = sequel === "others" ? undefined : sequel;
  const again = end !== undefined && "cause" in end ? end : undefined;
  return {
    method,
    attempt: attempt.number,
    peer: peer ?? error?.peer ?? attempt.inner?.progress().peer,
    cause: attempt.cause,
    delayMs: attempt.delayMs,
    elapsedMs: now - attempt.startedAt,
    code: error?.code ?? "OK",
    error,
    next: again?.cause ?? (end === undefined ? "others" : "end"),
    nextDelayMs: again?.delayMs,
    stopped: end?.stopped,
  };
}
