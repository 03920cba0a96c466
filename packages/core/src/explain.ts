import type { ErrorCode } from "./status.ts";

/** Where one attempt of a call stood when it ended. */
export type AttemptPhase =
  /** Waiting for a connection. */
  | "connecting"
  /** Connected; the request is not yet written, for want of credit or because it is still being made. */
  | "sending"
  /** The request is written and nothing has come back. */
  | "waiting"
  /** Part of the answer has come back. */
  | "receiving";

/** One attempt of a call, as the caller's end saw it. */
export interface AttemptReport {
  readonly phase: AttemptPhase;
  /** The address that was asked, once one was chosen. */
  readonly peer?: string | undefined;
  /** Time from the end of the attempt before to the start of this one, ms; left out for the first. */
  readonly delayMs?: number | undefined;
  /** Time from the start of the attempt to its end, ms. */
  readonly elapsedMs: number;
  /** The part of it that was spent waiting for a connection, ms. */
  readonly connectMs?: number | undefined;
  readonly code?: ErrorCode | undefined;
  readonly note?: string | undefined;
}

/**
 * Why no further attempt was made: nobody was there to make one, the failure or the method does not allow it, all allowed
 * attempts were made, part of the answer was delivered, retries would have been too much load, the client itself holds
 * calls back, no time was left, the server said so, the caller gave up.
 */
export type StopReason =
  | "not retried"
  | "not retryable"
  | "attempts"
  | "committed"
  | "budget"
  | "throttled"
  | "deadline"
  | "pushback"
  | "cancelled";

/** Where the time of a failed call went. Made only when a call fails. */
export interface Explanation {
  /** Time from the call to its failure, ms. */
  readonly elapsedMs: number;
  /** The caller's limit, ms; `Infinity` when it set none. */
  readonly timeoutMs: number;
  readonly attempts: readonly AttemptReport[];
  readonly stopped: StopReason;
}

/**
 * One line a person can read in a log, for example
 * `after 502 ms of 500 ms: waiting for 10.0.0.7:7001 (502 ms): DEADLINE_EXCEEDED; not retried: deadline`, or
 * `after 61 ms: waiting for 10.0.0.7:7001 (20 ms): UNAVAILABLE; 31 ms later waiting for 10.0.0.8:7001 (10 ms): INTERNAL;
 * not retried: not retryable`.
 */
export function formatExplanation(explanation: Explanation): string {
  const limit = explanation.timeoutMs === Infinity ? "" : ` of ${Math.round(explanation.timeoutMs)} ms`;
  const attempts = explanation.attempts.map(formatAttempt).join("; ") || "nothing was sent";
  const why = explanation.stopped === "not retried" ? "" : `: ${explanation.stopped}`;
  return `after ${Math.round(explanation.elapsedMs)} ms${limit}: ${attempts}; not retried${why}`;
}

const preposition: Readonly<Record<AttemptPhase, string>> = {
  connecting: "to",
  sending: "to",
  waiting: "for",
  receiving: "from",
};

function formatAttempt(attempt: AttemptReport): string {
  const where =
    attempt.peer === undefined ? attempt.phase : `${attempt.phase} ${preposition[attempt.phase]} ${attempt.peer}`;
  const connect = attempt.connectMs ? `, ${Math.round(attempt.connectMs)} ms of it connecting` : "";
  const note = attempt.note === undefined ? "" : `, ${attempt.note}`;
  const code = attempt.code === undefined ? "" : `: ${attempt.code}`;
  const delay = attempt.delayMs === undefined ? "" : `${Math.round(attempt.delayMs)} ms later `;
  return `${delay}${where} (${Math.round(attempt.elapsedMs)} ms${connect}${note})${code}`;
}
