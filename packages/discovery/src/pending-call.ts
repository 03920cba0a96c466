import type { CallProgress, OutgoingCall, RequestSink, ResponseSink, RpcError } from "@farcall/core";

/** Who lets calls wait. */
export interface PendingOwner {
  /** The call has been cancelled. */
  forget(call: PendingCall): void;
  /** What calls wait for now, in words. */
  readonly waitingFor: string;
}

/** A call that waits for an endpoint. Its requests wait with it, and nothing of it is sent once it was cancelled. */
export class PendingCall implements RequestSink {
  readonly call: OutgoingCall;
  readonly #responses: ResponseSink;
  readonly #owner: PendingOwner;
  readonly #since = performance.now();
  #waitedMs: number | undefined = undefined;
  #inner: RequestSink | undefined = undefined;
  #messages: { readonly value: unknown; readonly last: boolean }[] = [];
  #halfClosed = false;
  /** What it waited for, once it has ended without an endpoint. */
  #inVain: string | undefined = undefined;

  constructor(call: OutgoingCall, responses: ResponseSink, owner: PendingOwner) {
    this.call = call;
    this.#responses = responses;
    this.#owner = owner;
  }

  /** There is an endpoint. */
  goOn(start: (call: OutgoingCall, responses: ResponseSink) => RequestSink): void {
    if (this.#inVain !== undefined) return;
    this.#waitedMs = performance.now() - this.#since;
    const inner = start(this.call, this.#responses);
    this.#inner = inner;
    const messages = this.#messages.splice(0);
    let room = true;
    for (const { value, last } of messages) room = inner.message(value, last);
    if (this.#halfClosed) inner.end();
    else if (messages.length > 0 && room) this.#responses.ready();
  }

  /** There will be none. */
  fail(error: RpcError): void {
    if (this.#inVain !== undefined || this.#inner !== undefined) return;
    this.#inVain = this.#owner.waitingFor;
    this.#waitedMs = performance.now() - this.#since;
    this.#messages = [];
    this.#responses.end(error, undefined);
  }

  message(value: unknown, last: boolean): boolean {
    if (this.#inner !== undefined) return this.#inner.message(value, last);
    if (this.#inVain === undefined) this.#messages.push({ value, last });
    return false;
  }

  end(): void {
    if (this.#inner !== undefined) this.#inner.end();
    else this.#halfClosed = true;
  }

  cancel(error: RpcError): void {
    if (this.#inner !== undefined) return this.#inner.cancel(error);
    this.#owner.forget(this);
    this.fail(error);
  }

  ready(): void {
    this.#inner?.ready();
  }

  progress(): CallProgress {
    const connectMs = this.#waitedMs ?? performance.now() - this.#since;
    if (this.#inner === undefined) {
      return { phase: "connecting", connectMs, note: this.#inVain ?? this.#owner.waitingFor };
    }
    const inner = this.#inner.progress();
    return { ...inner, connectMs: connectMs + (inner.connectMs ?? 0) };
  }
}
