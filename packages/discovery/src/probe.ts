import type { CallHandler, OutgoingCall, RequestSink, ResponseSink } from "@farcall/core";
import { type ErrorCode, RpcError } from "@farcall/core";
import { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { type HealthWatch, readStatus } from "./health-watch.ts";

export interface ProbeEvents {
  /** No answer yet, or none any more. */
  connecting(reason: string | undefined): void;
  /** It answers, from `peer`. `status` is what its health says; undefined when it says nothing. */
  answered(status: string | undefined, peer: string | undefined): void;
  unreachable(error: RpcError): void;
}

/** Answers to `Watch` that will not be another one the next time. */
const noHealth: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "UNIMPLEMENTED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "NOT_FOUND",
  "INVALID_ARGUMENT",
]);

/** Time after which an endpoint that said hello and then nothing counts as one that answers, ms. Its calls will tell. */
const muteMs = 5_000;

/**
 * Time after which the watch is begun anew, ms, ± 10 %. A server that lets an old connection end waits for its calls,
 * and this one has no end of its own: it moves to the connection that new calls use.
 */
const renewMs = 300_000;

/** A connection that was good for so long may be lost without suspicion, ms. */
const provenMs = 5_000;

interface Attempt {
  readonly patient: boolean;
  readonly since: number;
  answered: boolean;
  requests: RequestSink | undefined;
}

/**
 * Finds out whether an endpoint answers, and whether it serves, with one open call of the health service:
 *
 *     connecting ── any answer ──▶ answered ── the connection is lost ──▶ connecting
 *         └── no connection ──▶ unreachable ── an answer to a call that waits for a connection ──▶ answered
 */
export class Probe {
  readonly #handle: CallHandler<OutgoingCall>;
  readonly #watch: HealthWatch;
  /** Does it matter what health says, or only that there is an answer? */
  readonly #heeds: boolean;
  readonly #clock: Clock;
  readonly #events: ProbeEvents;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  #attempt: Attempt | undefined;
  #timer: unknown;
  /** An attempt that begins in the next turn. */
  #due: object | undefined;
  #stopped = true;
  /** Connections in a row that were lost soon after they were good. One may be chance. */
  #shortLived = 0;

  constructor(
    handle: CallHandler<OutgoingCall>,
    watch: HealthWatch,
    options: { readonly heeds: boolean; readonly clock: Clock; readonly random: () => number },
    events: ProbeEvents,
  ) {
    this.#handle = handle;
    this.#watch = watch;
    this.#heeds = options.heeds;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#backoff = new Backoff(options.random);
    this.#events = events;
  }

  /** Asks, whatever was known before. */
  start(): void {
    this.stop();
    this.#stopped = false;
    this.#events.connecting(undefined);
    this.#begin(false);
  }

  /**
   * A connection is none any more: asks, in a turn of its own. The transport that says so is in the middle of it, and may
   * take a call that comes now for one more of that connection, whose end nobody would hear.
   */
  startAnew(reason: string): void {
    this.stop();
    this.#stopped = false;
    const due = {};
    this.#due = due;
    this.#events.connecting(reason);
    queueMicrotask(() => {
      if (this.#due === due) this.#begin(false);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#due = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#clock.clearTimeout(this.#timer);
    attempt?.requests?.cancel(new RpcError("CANCELLED", "nobody asks any more"));
  }

  #begin(patient: boolean): void {
    this.#due = undefined;
    const attempt: Attempt = { patient, since: this.#clock.now(), answered: false, requests: undefined };
    this.#attempt = attempt;
    const responses: ResponseSink = {
      // What says something about health comes right behind it.
      header: () => {
        if (!this.#heeds) this.#heard(attempt, undefined);
      },
      message: (response) => {
        this.#heard(attempt, this.#heeds ? readStatus(response) : undefined);
        return true;
      },
      end: (error) => this.#ended(attempt, error),
      ready: () => {},
    };
    const requests = this.#handle(this.#watch.call(patient), responses);
    attempt.requests = requests;
    if (this.#attempt !== attempt) return requests.cancel(new RpcError("CANCELLED", "nobody asks any more"));
    requests.message(this.#watch.request, true);
    if (this.#attempt === attempt && !attempt.answered) this.#awaitAnswer(attempt);
  }

  #awaitAnswer(attempt: Attempt): void {
    this.#timer = this.#clock.setTimeout(() => {
      if (attempt.requests?.progress().phase === "connecting") this.#awaitAnswer(attempt);
      else this.#heard(attempt, undefined);
    }, muteMs);
  }

  #heard(attempt: Attempt, status: string | undefined): void {
    if (this.#attempt !== attempt) return;
    this.#clock.clearTimeout(this.#timer);
    attempt.answered = true;
    const peer = attempt.requests?.progress().peer;
    if (this.#heeds) {
      this.#timer = this.#clock.setTimeout(() => this.#renew(attempt), renewMs * (0.9 + 0.2 * this.#random()));
    } else {
      this.#attempt = undefined;
      attempt.requests?.cancel(new RpcError("CANCELLED", "that was all that was to be known"));
    }
    this.#events.answered(status, peer);
  }

  #ended(attempt: Attempt, error: RpcError | undefined): void {
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    this.#clock.clearTimeout(this.#timer);
    if (error === undefined || error.remote || error.processed === "yes") {
      if (!attempt.answered) this.#events.answered(undefined, error?.peer);
      if (this.#heeds && !noHealth.has(error?.code ?? "UNKNOWN") && !this.#stopped) this.#again(false);
    } else if (attempt.answered) {
      this.#lost(attempt, error);
    } else {
      this.#events.unreachable(error);
      // The events may have stopped it.
      if (this.#attempt !== undefined || this.#stopped) return;
      if (attempt.patient) this.#again(true);
      else this.#begin(true);
    }
  }

  #renew(attempt: Attempt): void {
    this.#begin(false);
    attempt.requests?.cancel(new RpcError("CANCELLED", "another watch has taken its place"));
  }

  #lost(attempt: Attempt, error: RpcError): void {
    if (this.#clock.now() - attempt.since >= provenMs) {
      this.#backoff.reset();
      this.#shortLived = 0;
    }
    if (++this.#shortLived === 1) return this.startAnew(error.rawMessage);
    this.#events.connecting(error.rawMessage);
    if (!this.#stopped) this.#again(false);
  }

  #again(patient: boolean): void {
    this.#timer = this.#clock.setTimeout(() => this.#begin(patient), this.#backoff.next());
  }
}
