import {
  type AttemptReport,
  type CallProgress,
  type Explanation,
  type Metadata,
  type OutgoingCall,
  type Processed,
  RpcError,
  type StopReason,
} from "@farcall/core";
import type { Attempt } from "./attempt.ts";

const certainty: readonly Processed[] = ["no", "unknown", "yes"];

/** What became of the attempts of a call; made when the first one fails. */
export class Story {
  #reports: AttemptReport[] = [];
  /** Addresses that the next attempt should avoid. */
  #tried: string[] = [];
  #processed: Processed = "no";
  /** The last failure, which becomes the call's if nothing follows. */
  last: { readonly attempt: Attempt; readonly error: RpcError; readonly trailers: Metadata | undefined } | undefined;

  /** May any of the attempts have reached a handler? */
  get processed(): Processed {
    return this.#processed;
  }

  get tried(): readonly string[] {
    return this.#tried;
  }

  /** An attempt is over. Returns whom it asked. */
  add(attempt: Attempt, error: RpcError, progress: CallProgress | undefined, now: number): string | undefined {
    const peer = error.peer ?? progress?.peer;
    // What never had a connection was never sent.
    const isUnsent = error.processed === "unknown" && progress?.phase === "connecting";
    this.#mayHaveRun(isUnsent ? "no" : error.processed);
    this.#reports.push({
      phase: progress?.phase ?? "connecting",
      peer,
      delayMs: attempt.cause === "call" ? undefined : attempt.delayMs,
      elapsedMs: now - attempt.startedAt,
      connectMs: progress?.connectMs,
      code: error.code,
      note: noteOf(attempt, progress),
    });
    if (peer !== undefined) this.#avoid(peer);
    return peer;
  }

  /** The call's last error with its story, and with what is known of all its attempts. */
  tell(error: RpcError, call: OutgoingCall, startedAt: number, now: number, stopped: StopReason): RpcError {
    let told = error;
    // As core has it: past the deadline it is the deadline, whatever the peer's reset says.
    if (now >= call.deadline && error.code !== "DEADLINE_EXCEEDED" && error.processed !== "yes") {
      const { processed, metadata } = error;
      const message = `${call.method.fullName} has not ended in time`;
      told = new RpcError("DEADLINE_EXCEEDED", message, { cause: error, processed, metadata });
      stopped = "deadline";
    }
    if (certainty.indexOf(told.processed) < certainty.indexOf(this.#processed)) {
      told = told.with({ processed: this.#processed });
    }
    told.explain = this.explanation(call, startedAt, now, stopped);
    return told;
  }

  explanation(call: OutgoingCall, startedAt: number, now: number, stopped: StopReason): Explanation {
    return {
      elapsedMs: now - startedAt,
      timeoutMs: call.deadline - startedAt,
      attempts: this.#reports,
      stopped,
    };
  }

  #mayHaveRun(processed: Processed): void {
    if (certainty.indexOf(processed) > certainty.indexOf(this.#processed)) this.#processed = processed;
  }

  /** An endpoint that is met again says that there is no other left: all may be tried once more. */
  #avoid(peer: string): void {
    if (this.#tried.includes(peer)) this.#tried = [peer];
    else this.#tried = [...this.#tried, peer];
  }
}

function noteOf(attempt: Attempt, progress: CallProgress | undefined): string | undefined {
  const why = attempt.cause === "move" ? "moved" : attempt.cause === "hedge" ? "hedge" : undefined;
  if (why === undefined || progress?.note === undefined) return why ?? progress?.note;
  return `${why}, ${progress.note}`;
}

/** Why nothing follows a call that was cancelled with this error. */
export function cancelReason({ code }: RpcError): StopReason {
  if (code === "CANCELLED") return "cancelled";
  // Anything else is what this end thinks of an answer.
  return code === "DEADLINE_EXCEEDED" ? "deadline" : "not retryable";
}
