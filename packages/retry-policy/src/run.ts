import { type AttemptReport, RpcError, type StopReason } from "@farcall/core";
import { Course, type CourseLimits, type Step } from "./course.ts";
import { type AttemptCause, tell } from "./retry-event.ts";
import type { Judgement, PolicyInside } from "./retry-policy.ts";
import { type FunctionAttempt, RunningAttempt } from "./running-attempt.ts";

/**
 * One run of a function, from its first attempt to its end: by what the function returns or throws, by its time, or by
 * its caller's signal. Whatever ends it leaves no timer and no listener.
 */
export class Run<T> implements CourseLimits {
  readonly attempts: number;
  readonly deadline: number;
  readonly #policy: PolicyInside;
  readonly #work: (attempt: FunctionAttempt) => T | PromiseLike<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #startedAt: number;
  #current: RunningAttempt | undefined = undefined;
  #settled = false;
  /** The end of the whole run, and whichever of back-off and attempt timeout is under way. */
  #limit: unknown = undefined;
  #timer: unknown = undefined;
  // Made for runs that fail.
  #course: Course | undefined = undefined;
  #reports: AttemptReport[] | undefined = undefined;
  #lastError: unknown = undefined;

  constructor(
    policy: PolicyInside,
    work: (attempt: FunctionAttempt) => T | PromiseLike<T>,
    signal: AbortSignal | undefined,
    timeoutMs: number,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    startedAt: number,
  ) {
    this.#policy = policy;
    this.#work = work;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#startedAt = startedAt;
    this.attempts = policy.rules.attempts;
    this.deadline = this.#startedAt + Math.min(timeoutMs, policy.rules.timeoutMs);
  }

  get backoff(): CourseLimits["backoff"] {
    return this.#policy.rules.backoff;
  }

  get minAttemptMs(): number {
    return this.#policy.rules.minAttemptMs;
  }

  get maxPushbackMs(): number {
    return this.#policy.rules.maxPushbackMs;
  }

  get budget(): CourseLimits["budget"] {
    return this.#policy.budget;
  }

  get random(): () => number {
    return this.#policy.random;
  }

  begin(): void {
    const { budget, clock } = this.#policy;
    budget?.called(this.#startedAt);
    this.#signal?.addEventListener("abort", this);
    if (this.deadline !== Infinity) {
      this.#limit = clock.start(() => this.#outOfTime(), this.deadline - this.#startedAt);
    }
    this.#try("call", 0, this.#startedAt);
  }

  /** Goes on after a first attempt that has failed. */
  goOn(first: RunningAttempt, error: unknown): void {
    this.#current = first;
    this.#failed(first, error, false);
  }

  /** The caller's signal aborts. */
  handleEvent(): void {
    this.#abandon((this.#signal as AbortSignal).reason, "cancelled");
  }

  #try(cause: AttemptCause, delayMs: number, now: number): void {
    const { clock, rules } = this.#policy;
    const one = new RunningAttempt((this.#current?.attempt ?? 0) + 1, cause, delayMs, now);
    this.#current = one;
    if (rules.attemptTimeoutMs !== Infinity) {
      this.#timer = clock.start(() => this.#attemptTimedOut(one), rules.attemptTimeoutMs);
    }
    let result: T | PromiseLike<T>;
    try {
      result = this.#work(one);
    } catch (error) {
      return this.#failed(one, error, false);
    }
    if (typeof (result as PromiseLike<T> | undefined)?.then !== "function") return this.#succeeded(one, result as T);
    (result as PromiseLike<T>).then(
      (value) => this.#succeeded(one, value),
      (error: unknown) => this.#failed(one, error, false),
    );
  }

  #succeeded(one: RunningAttempt, value: T): void {
    if (this.#settled || one.over) return;
    one.over = true;
    this.#policy.budget?.succeeded();
    if (this.#policy.onAttempt !== undefined) this.#report(one, undefined, { stopped: undefined });
    this.#settle();
    this.#resolve(value);
  }

  #failed(one: RunningAttempt, error: unknown, timedOut: boolean): void {
    if (this.#settled || one.over) return;
    one.over = true;
    this.#stopTimer();
    const { clock } = this.#policy;
    const now = clock.now();
    this.#note(one, error, now);
    this.#lastError = error;
    let judgement: Judgement;
    try {
      judgement = this.#policy.judge(error, timedOut);
    } catch (thrown) {
      return this.#fail(thrown, "not retryable", now);
    }
    const course = (this.#course ??= new Course());
    const step = course.next(judgement.verdict, judgement.afterMs, judgement.peer, now, this);
    if (this.#policy.onAttempt !== undefined) this.#report(one, error, step);
    // A listener may have aborted.
    if (this.#settled) return;
    if (step.stopped !== undefined) return this.#fail(error, step.stopped, now);
    const { cause, delayMs } = step;
    if (delayMs > 0) this.#timer = clock.start(() => this.#resume(cause, delayMs), delayMs);
    else queueMicrotask(() => this.#resume(cause, delayMs));
  }

  #resume(cause: AttemptCause, delayMs: number): void {
    this.#timer = undefined;
    if (this.#settled) return;
    const now = this.#policy.clock.now();
    const timeLeft = this.deadline - now;
    if (timeLeft <= 0 || timeLeft < this.minAttemptMs) this.#fail(this.#lastError, "deadline", now);
    else this.#try(cause, delayMs, now);
  }

  #attemptTimedOut(one: RunningAttempt): void {
    const { attemptTimeoutMs } = this.#policy.rules;
    const error = new DOMException(`attempt ${one.attempt} took longer than ${attemptTimeoutMs} ms`, "TimeoutError");
    // What the function throws because of its signal is not what the attempt failed with.
    const stop = one.abort(error);
    this.#failed(one, error, true);
    stop();
  }

  #outOfTime(): void {
    const ms = Math.round(this.deadline - this.#startedAt);
    const error = new DOMException(`no success within ${ms} ms`, "TimeoutError");
    this.#abandon(error, "deadline");
  }

  /** Ends the run from outside, whatever the function is doing. */
  #abandon(reason: unknown, stopped: StopReason): void {
    if (this.#settled) return;
    const one = this.#current;
    const stop = one?.abort(reason);
    const now = this.#policy.clock.now();
    if (one !== undefined && !one.over) {
      this.#note(one, reason, now);
      one.over = true;
      if (this.#policy.onAttempt !== undefined) this.#report(one, reason, { stopped });
    }
    this.#fail(reason, stopped, now);
    stop?.();
  }

  #fail(error: unknown, stopped: StopReason, now: number): void {
    if (this.#settled) return;
    if (typeof error === "object" && error !== null) {
      this.#policy.explanations.set(error, {
        elapsedMs: now - this.#startedAt,
        timeoutMs: this.deadline - this.#startedAt,
        attempts: this.#reports ?? [],
        stopped,
      });
    }
    this.#settle();
    this.#reject(error);
  }

  /** Leaves no timer and no listener. */
  #settle(): void {
    this.#settled = true;
    this.#signal?.removeEventListener("abort", this);
    this.#stopTimer();
    if (this.#limit !== undefined) this.#policy.clock.stop(this.#limit);
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return;
    this.#policy.clock.stop(this.#timer);
    this.#timer = undefined;
  }

  #note(one: RunningAttempt, error: unknown, now: number): void {
    const text = error instanceof Error ? error.message : String(error);
    (this.#reports ??= []).push({
      phase: "waiting",
      peer: error instanceof RpcError ? error.peer : undefined,
      delayMs: one.cause === "call" ? undefined : one.delayMs,
      elapsedMs: now - one.startedAt,
      code: error instanceof RpcError ? error.code : undefined,
      note: text.length > 100 ? `${text.slice(0, 99)}…` : text,
    });
  }

  #report(one: RunningAttempt, error: unknown, step: Step | { readonly stopped: undefined }): void {
    const again = "cause" in step ? step : undefined;
    tell(this.#policy.onAttempt as NonNullable<PolicyInside["onAttempt"]>, {
      attempt: one.attempt,
      cause: one.cause,
      delayMs: one.delayMs,
      elapsedMs: this.#policy.clock.now() - one.startedAt,
      error,
      next: again?.cause ?? "end",
      nextDelayMs: again?.delayMs,
      stopped: step.stopped,
    });
  }
}
