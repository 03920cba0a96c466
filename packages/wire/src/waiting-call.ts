import type { CallProgress, OutgoingCall, RequestSink, ResponseSink, RpcError } from "@farcall/core";

/** A call that waits for a connection. Its requests wait with it, and nothing of it is sent once it was cancelled. */
export class WaitingCall implements RequestSink {
  readonly call: OutgoingCall;
  readonly #responses: ResponseSink;
  readonly #forget: (call: WaitingCall) => void;
  readonly #since: number = performance.now();
  #inner: RequestSink | undefined = undefined;
  #connectMs = 0;
  #waiting: { value: unknown; last: boolean }[] = [];
  #halfClosed = false;
  #ended = false;
  /** Why the last attempt to connect failed, for a call that waits for the next. */
  refused: RpcError | undefined = undefined;

  constructor(call: OutgoingCall, responses: ResponseSink, forget: (call: WaitingCall) => void) {
    this.call = call;
    this.#responses = responses;
    this.#forget = forget;
  }

  /** There is a connection. */
  goOn(start: (call: OutgoingCall, responses: ResponseSink) => RequestSink): void {
    if (this.#ended) return;
    this.#connectMs = performance.now() - this.#since;
    const inner = start(this.call, this.#responses);
    this.#inner = inner;
    const waiting = this.#waiting.splice(0);
    let room = true;
    for (const { value, last } of waiting) room = inner.message(value, last);
    if (this.#halfClosed) inner.end();
    else if (waiting.length > 0 && room) this.#responses.ready();
  }

  /** There will be none. */
  fail(error: RpcError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#connectMs = performance.now() - this.#since;
    this.#waiting = [];
    this.#responses.end(error.with({}), undefined);
  }

  message(value: unknown, last: boolean): boolean {
    if (this.#inner !== undefined) return this.#inner.message(value, last);
    if (!this.#ended) this.#waiting.push({ value, last });
    return false;
  }

  end(): void {
    if (this.#inner !== undefined) this.#inner.end();
    else this.#halfClosed = true;
  }

  cancel(error: RpcError): void {
    if (this.#inner !== undefined) return this.#inner.cancel(error);
    this.#forget(this);
    this.fail(error.cause === undefined && this.refused !== undefined ? error.with({ cause: this.refused }) : error);
  }

  ready(): void {
    this.#inner?.ready();
  }

  progress(): CallProgress {
    if (this.#inner === undefined) {
      return { phase: "connecting", connectMs: this.#connectMs, note: this.refused?.rawMessage };
    }
    return { ...this.#inner.progress(), connectMs: this.#connectMs };
  }
}
