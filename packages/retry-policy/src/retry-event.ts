import type { Method, RpcError, StatusCode, StopReason } from "@farcall/core";

/** One attempt of a call has ended. */
export interface AttemptEvent {
  readonly method: Method;
  /** Counts from 1; retries, moves and hedges alike. */
  readonly attempt: number;
  /** The endpoint that was asked, once one was chosen. */
  readonly peer: string | undefined;
  /** What made it begin. */
  readonly cause: AttemptCause;
  /** Wait between the end of the attempt before and its beginning, ms. */
  readonly delayMs: number;
  /** Time from its beginning to its end, ms. */
  readonly elapsedMs: number;
  readonly code: StatusCode;
  readonly error: RpcError | undefined;
  /** What follows: another attempt, nothing because the call has ended, or nothing yet because others are at work. */
  readonly next: "retry" | "move" | "hedge" | "others" | "end";
  /** The wait before that attempt, ms. */
  readonly nextDelayMs: number | undefined;
  /** Why no other attempt follows, when the call has failed. */
  readonly stopped: StopReason | undefined;
}

/** One attempt of a function has ended. */
export interface FunctionAttemptEvent {
  /** Counts from 1. */
  readonly attempt: number;
  readonly cause: AttemptCause;
  /** Wait between the end of the attempt before and its beginning, ms. */
  readonly delayMs: number;
  /** Time from its beginning to its end, ms. */
  readonly elapsedMs: number;
  /** What it threw; undefined when it succeeded. */
  readonly error: unknown;
  readonly next: "retry" | "move" | "end";
  /** The wait before the next attempt, ms. */
  readonly nextDelayMs: number | undefined;
  /** Why no other attempt follows, when it has failed. */
  readonly stopped: StopReason | undefined;
}

/** Why an attempt began: it is the first, follows a failure, goes elsewhere unprocessed, or runs beside a slow one. */
export type AttemptCause = "call" | "retry" | "move" | "hedge";

/** Tells a listener. What it throws must not break the call: it is thrown where nobody is in the middle of anything. */
export function tell<E>(listener: (event: E) => void, event: E): void {
  try {
    listener(event);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
