import {
  type CallProgress,
  type Metadata,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
  type StopReason,
} from "@farcall/core";
import { AttemptCall, type MetadataEntries } from "./attempt-call.ts";
import { type Sequel, attemptEvent } from "./attempt-event.ts";
import { Attempt, type AttemptOwner } from "./attempt.ts";
import { Course, type Step } from "./course.ts";
import { decide } from "./decide.ts";
import type { Plan } from "./plan.ts";
import { ReplayBuffer } from "./replay-buffer.ts";
import { type AttemptCause, tell } from "./retry-event.ts";
import type { RetryingClient } from "./retrying-client.ts";
import { cancelReason, Story } from "./story.ts";
import { isAnswer } from "./throttle.ts";

/**
 * One call that may be sent more than once: where its requests go, and who hears of its attempts.
 *
 *     running ── first response, or requests that can't be kept ──▶ committed ── end ──▶ ended
 *       │  ▲
 *       │  └─ after the wait ─┐
 *       └── a failure that ───┴─▶ waiting          any other failure, OK, cancel ──▶ ended
 *           may be retried
 *
 * Running can mean several attempts, when the call is hedged. Every attempt but the first begins in a turn of its own:
 * the transport whose event ended the one before is in the middle of something.
 */
export class RetriedCall implements RequestSink, AttemptOwner {
  readonly responses: ResponseSink;
  committed: Attempt | undefined = undefined;
  readonly #client: RetryingClient;
  readonly #plan: Plan;
  readonly #call: OutgoingCall;
  readonly #startedAt: number;
  /** The latest attempt. */
  #current: Attempt | undefined = undefined;
  /** All that are not over, once there are several. */
  #live: Attempt[] | undefined = undefined;
  #count = 0;
  #ended = false;
  #cancelled: StopReason | undefined = undefined;

  /** The one request, of calls that have one. */
  #request: unknown = undefined;
  #isAsked = false;
  #halfClosed = false;
  /** The requests of a stream, until nobody needs them again. */
  #replay: ReplayBuffer | undefined;
  readonly #metadata: MetadataEntries | undefined;
  readonly #arrivingAttempt: number;

  // Made for calls that need them.
  #story: Story | undefined = undefined;
  #course: Course | undefined = undefined;
  /** Back-off, or the time until the next hedge. */
  #timer: unknown = undefined;
  /** An attempt is due: after the timer, or in the next turn. */
  #isDue = false;

  constructor(client: RetryingClient, plan: Plan, call: OutgoingCall, responses: ResponseSink) {
    this.#client = client;
    this.#plan = plan;
    this.#call = call;
    this.responses = responses;
    // What waits for an exact time begins at one.
    this.#startedAt = plan.isTimed ? client.clock.now() : client.turnClock.now();
    this.#metadata = call.metadata === undefined ? undefined : [...call.metadata];
    this.#replay = plan.isSingle ? undefined : new ReplayBuffer(client.replay);
    this.#arrivingAttempt = client.ambient === undefined ? 1 : (client.ambient()?.attempt ?? 1);
  }

  /** Makes the first attempt. */
  begin(): void {
    const { budget, clock, throttle } = this.#client;
    const { rules, hedging, adjusts } = this.#plan;
    budget?.called(this.#startedAt);
    if (adjusts) {
      if (rules.timeoutMs !== Infinity) {
        this.#call.deadline = Math.min(this.#call.deadline, this.#startedAt + rules.timeoutMs);
      }
      if (rules.waitForReady) this.#call.waitForReady = true;
    }
    if (throttle !== undefined && !throttle.admits(this.#startedAt, this.#client.random)) return this.#holdBack();
    const hedgeAfterMs = hedging?.called();
    if (hedgeAfterMs !== undefined) this.#timer = clock.start(() => this.#hedge(), hedgeAfterMs);
    this.#launch("call", 0, this.#startedAt);
  }

  // From the caller.

  message(value: unknown, last: boolean): boolean {
    if (this.#ended) return true;
    if (last) this.#halfClosed = true;
    const attempt = this.#current as Attempt;
    if (this.#plan.isSingle) {
      if (this.committed === undefined) {
        this.#request = value;
        this.#isAsked = true;
      }
      return attempt.over || attempt.inner === undefined ? true : attempt.inner.message(value, last);
    }
    const replay = this.#replay;
    if (replay === undefined) return (attempt.inner as RequestSink).message(value, last);
    replay.push(value);
    if (replay.isReplaying || attempt.over) {
      replay.owesReady = true;
      return false;
    }
    replay.next();
    // It has all there is, and what it has can't be kept any longer.
    if (replay.overflowed) this.#commit(attempt);
    return this.#ended || (attempt.inner as RequestSink).message(value, last);
  }

  end(): void {
    if (this.#ended || this.#halfClosed) return;
    this.#halfClosed = true;
    const attempt = this.#current as Attempt;
    if (!this.#isReplaying && !attempt.over) attempt.inner?.end();
  }

  cancel(error: RpcError): void {
    if (this.#ended || this.#cancelled !== undefined) return;
    this.#cancelled = cancelReason(error);
    this.#stopTimer();
    const current = this.#current;
    const now = this.#client.clock.now();
    const story = (this.#story ??= new Story());
    const isOpen = current !== undefined && !current.over;
    // While it can still say where it stands.
    if (isOpen) story.add(current, error, current.inner?.progress(), now);
    error.explain ??= story.explanation(this.#call, this.#startedAt, now, this.#cancelled);
    // One that the next handler is just taking is cancelled when that has.
    if (isOpen && current.inner === undefined) current.drop(error);
    else if (isOpen) current.inner?.cancel(error);
    // Whatever the next handlers make of it: the caller hears of the end now.
    if (!this.#ended) this.#finish(error, undefined);
  }

  ready(): void {
    this.committed?.inner?.ready();
  }

  progress(): CallProgress {
    const progress = this.#current?.inner?.progress();
    // Where the latest attempt has got to says nothing of those before it, which a handler may have seen.
    if (this.#story !== undefined && this.#story.processed !== "no") {
      if (progress === undefined || progress.phase === "connecting") return { ...progress, phase: "waiting" };
    }
    return progress ?? { phase: "connecting" };
  }

  // From the attempts.

  header(attempt: Attempt, metadata: Metadata): void {
    if (this.#ended) return;
    if (this.committed === attempt) return this.responses.header(metadata);
    attempt.heldHeader = metadata;
    // A handler has begun, and nothing that it begins may be sent again.
    if (this.#plan.effect === "unsafe") this.#commit(attempt);
  }

  first(attempt: Attempt, value: unknown): boolean {
    if (this.#ended || attempt.over || this.#cancelled !== undefined) return true;
    this.#commit(attempt);
    return this.#ended ? true : this.responses.message(value);
  }

  over(attempt: Attempt, error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.#ended) return;
    this.#stopTimeout(attempt);
    if (this.#cancelled !== undefined) {
      // `cancel` is at work, and ends the call itself if this is not its error.
      if (error !== undefined) this.#finish(error, trailers);
      return;
    }
    if (error !== undefined) return this.#failed(attempt, error, trailers);
    if (this.committed !== attempt) this.#commit(attempt);
    if (this.#ended) return;
    const { budget, throttle, onAttempt } = this.#client;
    budget?.succeeded();
    throttle?.accepted(this.#client.clock.now());
    if (onAttempt !== undefined) this.#report(attempt, undefined, undefined, { stopped: undefined });
    this.#finish(undefined, trailers);
  }

  room(attempt: Attempt): void {
    if (this.#ended || attempt !== this.#current || attempt.inner === undefined) return;
    if (this.#isReplaying) this.#replayTo(attempt);
    else this.responses.ready();
  }

  #launch(cause: AttemptCause, delayMs: number, now: number): void {
    const { next, clock } = this.#client;
    const { attemptTimeoutMs } = this.#plan.rules;
    const call = this.#call;
    const number = call.attempt + this.#count++;
    const attempt = new Attempt(this, number, cause, delayMs, now);
    const avoid = this.#count === 1 ? call.avoid : this.#avoid();
    this.#live?.push(attempt);
    this.#current = attempt;
    if (this.#count > 1) this.#replay?.rewind();
    const isPlain = this.#count === 1 && attemptTimeoutMs === Infinity;
    attempt.taken(
      next(
        isPlain
          ? call
          : new AttemptCall(call, this.#metadata, number, Math.min(call.deadline, now + attemptTimeoutMs), avoid),
        attempt,
      ),
    );
    if (attempt.over || this.#ended) return;
    if (attemptTimeoutMs !== Infinity && this.committed !== attempt) {
      attempt.timer = clock.start(() => this.#timedOut(attempt), attemptTimeoutMs);
    }
    if (this.#count === 1) return;
    const inner = attempt.inner as RequestSink;
    if (this.#replay !== undefined) this.#replayTo(attempt);
    else if (this.#isAsked) inner.message(this.#request, this.#halfClosed);
    else if (this.#halfClosed) inner.end();
  }

  /** Gives a new attempt the requests of the stream, as fast as it takes them. */
  #replayTo(attempt: Attempt): void {
    const replay = this.#replay as ReplayBuffer;
    const inner = attempt.inner as RequestSink;
    let room = true;
    let isLast = false;
    while (room && !replay.caughtUp) {
      const message = replay.next();
      isLast = this.#halfClosed && replay.caughtUp;
      room = inner.message(message, isLast);
      // What it set off may have gone on from here.
      if (attempt.over || this.#ended || !replay.isReplaying) return;
    }
    if (!replay.caughtUp) return;
    replay.isReplaying = false;
    if (this.#halfClosed && !isLast) inner.end();
    if (attempt.over || this.#ended) return;
    if (this.committed === attempt) this.#forgetRequests();
    else if (replay.overflowed) this.#commit(attempt);
    if (!room || !replay.owesReady || this.#ended) return;
    replay.owesReady = false;
    this.responses.ready();
  }

  /** From here on the call is this attempt. */
  #commit(attempt: Attempt): void {
    const { hedging } = this.#plan;
    if (hedging !== undefined) hedging.answered(this.#client.clock.now() - this.#startedAt);
    this.committed = attempt;
    this.#stopTimer();
    this.#stopTimeout(attempt);
    if (this.#live !== undefined) this.#dropOthers(attempt);
    // A listener may have cancelled.
    if (this.#ended) return;
    if (!this.#isReplaying && attempt.inner !== undefined) this.#forgetRequests();
    if (attempt.heldHeader !== undefined) this.responses.header(attempt.heldHeader);
  }

  #forgetRequests(): void {
    this.#request = undefined;
    this.#replay?.release();
    this.#replay = undefined;
  }

  #dropOthers(winner: Attempt | undefined): void {
    const lost = new RpcError("CANCELLED", "another attempt has answered");
    const others = this.#live ?? [];
    this.#live = undefined;
    for (const one of others) {
      if (one === winner || one.over) continue;
      this.#stopTimeout(one);
      this.#report(one, lost, one.inner?.progress().peer, "others");
      one.drop(lost);
    }
    if (winner !== undefined) this.#current = winner;
  }

  #failed(attempt: Attempt, error: RpcError, trailers: Metadata | undefined): void {
    const { clock, throttle, budget } = this.#client;
    const { rules, effect } = this.#plan;
    const now = clock.now();
    const story = (this.#story ??= new Story());
    const progress = attempt.inner?.progress();
    // What never had a connection was never sent.
    if (progress?.phase === "connecting" && error.processed === "unknown") error = error.with({ processed: "no" });
    const peer = story.add(attempt, error, progress, now);
    story.last = { attempt, error, trailers };
    // The server may notice the attempt's limit first.
    const timedOut =
      attempt.timedOut || (error.code === "DEADLINE_EXCEEDED" && now >= attempt.startedAt + rules.attemptTimeoutMs);
    if (throttle !== undefined && isAnswer(error) && !timedOut) throttle.accepted(now);
    const verdict = decide(error, effect, rules.codes, timedOut);
    if (this.committed === attempt) {
      if (verdict === "retry") budget?.take(now);
      return this.#fail("committed", now, peer);
    }
    this.#live = this.#live?.filter((one) => !one.over);
    const others = this.#live?.at(-1);
    const course = (this.#course ??= new Course());
    const step: Step =
      this.#replay?.overflowed === true && verdict !== "stop"
        ? { stopped: "committed" }
        : course.next(verdict, error.retryAfterMs, peer, now, {
            attempts: this.#attempts,
            backoff: this.#plan.backoff,
            minAttemptMs: rules.minAttemptMs,
            maxPushbackMs: rules.maxPushbackMs,
            deadline: this.#call.deadline,
            budget,
            random: this.#client.random,
          });
    if (step.stopped === undefined && !this.#isDue) {
      this.#report(attempt, error, peer, step);
      return this.#schedule(step.cause, step.delayMs);
    }
    // What one endpoint says for good holds for the others; of anything else they may know better.
    if (verdict !== "stop" && (others !== undefined || this.#isDue)) {
      if (others !== undefined) this.#current = others;
      return this.#report(attempt, error, peer, "others");
    }
    this.#fail(step.stopped ?? "attempts", now, peer);
  }

  #schedule(cause: AttemptCause, delayMs: number): void {
    // A listener may have cancelled.
    if (this.#ended) return;
    this.#stopTimer();
    this.#isDue = true;
    if (delayMs > 0) this.#timer = this.#client.clock.start(() => this.#resume(cause, delayMs), delayMs);
    else queueMicrotask(() => this.#resume(cause, delayMs));
  }

  /** The attempt that was due begins, if there is still a reason and time for it. */
  #resume(cause: AttemptCause, delayMs: number): void {
    this.#timer = undefined;
    this.#isDue = false;
    if (this.#ended || this.committed !== undefined) return;
    const { clock, throttle, random } = this.#client;
    const now = clock.now();
    const timeLeft = this.#call.deadline - now;
    const isLate = timeLeft <= 0 || timeLeft < this.#plan.rules.minAttemptMs;
    const stopped = isLate
      ? "deadline"
      : throttle !== undefined && !throttle.admits(now, random)
        ? "throttled"
        : undefined;
    if (stopped === undefined) return this.#launch(cause, delayMs, now);
    if (this.#live === undefined || this.#live.length === 0) this.#fail(stopped, now, undefined);
  }

  /** The attempts at work are slow: sends one beside them, if there is room for it. */
  #hedge(): void {
    this.#timer = undefined;
    const { hedging, rules } = this.#plan;
    const { budget, clock, throttle, random } = this.#client;
    const current = this.#current;
    if (hedging === undefined || current === undefined || current.over || !this.#isAsked) return;
    const now = clock.now();
    const course = (this.#course ??= new Course());
    if (course.used >= this.#attempts || this.#call.deadline - now < rules.minAttemptMs) return;
    if (!hedging.take() || budget?.take(now) === false || throttle?.admits(now, random) === false) return;
    course.hedged();
    this.#live ??= [current];
    const nextMs = hedging.rules.delayMs;
    if (nextMs !== undefined && course.used < this.#attempts) {
      this.#timer = clock.start(() => this.#hedge(), nextMs);
    }
    this.#launch("hedge", now - this.#startedAt, now);
  }

  #timedOut(attempt: Attempt): void {
    attempt.timer = undefined;
    if (this.#ended || attempt.over || this.committed === attempt) return;
    attempt.timedOut = true;
    const { attemptTimeoutMs } = this.#plan.rules;
    const late = new RpcError("DEADLINE_EXCEEDED", `attempt ${attempt.number} got no answer in ${attemptTimeoutMs} ms`);
    attempt.inner?.cancel(late);
    attempt.end(late, undefined);
  }

  /** The call ends with its last failure. */
  #fail(stopped: StopReason, now: number, peer: string | undefined): void {
    const story = this.#story as Story;
    const { attempt, error, trailers } = story.last as NonNullable<Story["last"]>;
    const told = story.tell(error, this.#call, this.#startedAt, now, stopped);
    if (this.#live !== undefined) this.#dropOthers(undefined);
    this.#report(attempt, error, peer ?? error.peer, { stopped: told.explain?.stopped ?? stopped });
    if (this.#ended) return;
    if (this.committed !== attempt && attempt.heldHeader !== undefined) this.responses.header(attempt.heldHeader);
    this.#finish(told, trailers);
  }

  /** Adaptive throttling: the target is not even asked. */
  #holdBack(): void {
    const error = new RpcError("UNAVAILABLE", "the target accepts too little of what it is asked", { processed: "no" });
    error.explain = new Story().explanation(this.#call, this.#startedAt, this.#startedAt, "throttled");
    this.#finish(error, undefined);
  }

  /** The only way to the end: leaves nothing behind, then tells the caller. */
  #finish(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.committed = undefined;
    this.#stopTimer();
    if (this.#current !== undefined) this.#stopTimeout(this.#current);
    if (this.#live !== undefined) this.#dropOthers(undefined);
    this.#forgetRequests();
    this.responses.end(error, trailers);
  }

  /** Has the current attempt not been given all requests of the stream yet? */
  get #isReplaying(): boolean {
    return this.#replay?.isReplaying === true;
  }

  #stopTimeout(attempt: Attempt): void {
    if (attempt.timer === undefined) return;
    this.#client.clock.stop(attempt.timer);
    attempt.timer = undefined;
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return;
    this.#client.clock.stop(this.#timer);
    this.#timer = undefined;
  }

  /** Attempts that count. A call that is itself made by a repeated one has half of them: tiers must not multiply. */
  get #attempts(): number {
    const { attempts } = this.#plan;
    return this.#arrivingAttempt > 1 ? Math.max(1, Math.floor(attempts / 2)) : attempts;
  }

  /** Whom the next attempt should not ask: those that were tried, and those that others are asking now. */
  #avoid(): readonly string[] | undefined {
    const asked = this.#live?.map((one) => one.inner?.progress().peer).filter((peer) => peer !== undefined);
    const avoid = new Set([...(this.#call.avoid ?? []), ...(this.#story?.tried ?? []), ...(asked ?? [])]);
    return avoid.size === 0 ? undefined : [...avoid];
  }

  #report(attempt: Attempt, error: RpcError | undefined, peer: string | undefined, sequel: Sequel): void {
    const { onAttempt, clock } = this.#client;
    if (onAttempt === undefined) return;
    tell(onAttempt, attemptEvent(this.#call.method, attempt, error, peer, sequel, clock.now()));
  }
}
