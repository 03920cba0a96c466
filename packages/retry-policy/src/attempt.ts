import type { Metadata, RequestSink, ResponseSink, RpcError } from "@farcall/core";
import type { AttemptCause } from "./retry-event.ts";

/** Who makes attempts and hears what becomes of them. */
export interface AttemptOwner {
  /** Where the responses of the attempt that commits go. */
  readonly responses: ResponseSink;
  /** The attempt whose responses are the call's; from then on there is no other. */
  readonly committed: Attempt | undefined;
  header(attempt: Attempt, metadata: Metadata): void;
  /** A response while no attempt has committed. */
  first(attempt: Attempt, value: unknown): boolean;
  over(attempt: Attempt, error: RpcError | undefined, trailers: Metadata | undefined): void;
  /** Room for requests. */
  room(attempt: Attempt): void;
}

/** One attempt of a call: where its responses arrive. An attempt that is over says nothing more. */
export class Attempt implements ResponseSink {
  /** Where its requests go; undefined until the next handler has taken the call. */
  inner: RequestSink | undefined = undefined;
  readonly number: number;
  readonly cause: AttemptCause;
  readonly delayMs: number;
  readonly startedAt: number;
  /** Kept back until it is certain that this attempt is the one. */
  heldHeader: Metadata | undefined = undefined;
  over = false;
  timedOut = false;
  timer: unknown = undefined;
  /** Why it was dropped before the next handler had taken the call. */
  #dropped: RpcError | undefined = undefined;
  readonly #owner: AttemptOwner;

  constructor(owner: AttemptOwner, number: number, cause: AttemptCause, delayMs: number, startedAt: number) {
    this.#owner = owner;
    this.number = number;
    this.cause = cause;
    this.delayMs = delayMs;
    this.startedAt = startedAt;
  }

  header(metadata: Metadata): void {
    if (!this.over) this.#owner.header(this, metadata);
  }

  message(value: unknown): boolean {
    const owner = this.#owner;
    return owner.committed === this ? owner.responses.message(value) : owner.first(this, value);
  }

  end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.over) return;
    this.over = true;
    this.#owner.over(this, error, trailers);
  }

  ready(): void {
    if (!this.over) this.#owner.room(this);
  }

  /** The next handler has taken the call. */
  taken(inner: RequestSink): void {
    this.inner = inner;
    if (this.#dropped !== undefined) inner.cancel(this.#dropped);
  }

  /** Nobody wants it any more: it is cancelled, and its end is nobody's concern. */
  drop(error: RpcError): void {
    if (this.over) return;
    this.over = true;
    if (this.inner === undefined) this.#dropped = error;
    else this.inner.cancel(error);
  }
}
