import type { AttemptCause } from "./retry-event.ts";

/** What a function knows of the attempt that it is. */
export interface FunctionAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  /** Aborts when the caller does, or when the attempt or the whole run is out of time. Made when first read. */
  readonly signal: AbortSignal;
}

/** One attempt of a function. */
export class RunningAttempt implements FunctionAttempt {
  readonly attempt: number;
  readonly cause: AttemptCause;
  readonly delayMs: number;
  readonly startedAt: number;
  over = false;
  #controller: AbortController | undefined = undefined;
  #isAborted = false;
  #reason: unknown = undefined;

  constructor(attempt: number, cause: AttemptCause, delayMs: number, startedAt: number) {
    this.attempt = attempt;
    this.cause = cause;
    this.delayMs = delayMs;
    this.startedAt = startedAt;
  }

  // An AbortController costs more than the rest of a small run, so it is made for those who look.
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Notes that it is aborted; what it returns tells the function, once the run has taken note as well. */
  abort(reason: unknown): () => void {
    this.#isAborted = true;
    this.#reason = reason;
    return () => this.#controller?.abort(reason);
  }
}
