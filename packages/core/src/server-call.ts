import type { CallContext } from "./call-context.ts";
import { type ContextKey, ContextValues } from "./context-values.ts";
import type { DeadlineWheel, Expiring } from "./deadline-wheel.ts";
import { Metadata } from "./metadata.ts";
import type { MethodCodec } from "./method-codec.ts";
import { isUnexpected, outgoingError } from "./outgoing-error.ts";
import { RpcError } from "./rpc-error.ts";
import type { Method } from "./service.ts";
import type { IncomingCall, Peer, RequestSink, ResponseSink } from "./transport.ts";

/** What a server's calls need of it. */
export interface ServerCallOwner {
  readonly wheel: DeadlineWheel;
  /** The call has ended; its handler may still be at work. */
  ended(call: ServerCall, handlerAtWork: boolean): void;
  /** The handler of a call that had ended is through. */
  handlerThrough(call: ServerCall): void;
  /** An error that nobody meant. */
  report(error: RpcError, call: ServerCall): void;
}

/**
 * One call at a server: what interceptors see (`IncomingCall`), what the handler sees (`CallContext`), and the last
 * stop of its responses before the transport (`ResponseSink`). One object, because there is one per call.
 */
export class ServerCall implements IncomingCall, CallContext, ResponseSink, Expiring {
  readonly method: Method;
  readonly codec: MethodCodec;
  readonly peer: Peer;
  attempt: number;
  values: ContextValues | undefined = undefined;
  principal: unknown = undefined;
  wheelNext: Expiring | undefined = undefined;
  wheelPrevious: Expiring | undefined = undefined;
  wheelSlot = -1;

  readonly #owner: ServerCallOwner;
  #deadline: number;
  readonly #responses: ResponseSink;
  #metadata: Metadata | undefined;
  #requests: RequestSink | undefined = undefined;
  #header: Metadata | undefined = undefined;
  #headerSent = false;
  #trailer: Metadata | undefined = undefined;
  #abort: AbortController | undefined = undefined;
  #aborted: RpcError | undefined = undefined;
  #ended = false;
  #handlerAtWork = false;

  constructor(owner: ServerCallOwner, call: IncomingCall, responses: ResponseSink) {
    this.#owner = owner;
    this.#responses = responses;
    this.method = call.method;
    this.codec = call.codec;
    this.peer = call.peer;
    this.#deadline = call.deadline;
    this.attempt = call.attempt;
    this.#metadata = call.metadata;
    if (this.#deadline !== Infinity) owner.wheel.add(this);
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Interceptors may change it on the way. */
  set deadline(deadline: number) {
    this.#owner.wheel.remove(this);
    this.#deadline = deadline;
    if (!this.#ended && deadline < Infinity) this.#owner.wheel.add(this);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Where the call's requests go; known once the chain of interceptors has taken it. */
  set requests(requests: RequestSink) {
    this.#requests = requests;
  }

  get metadata(): Metadata {
    return (this.#metadata ??= new Metadata());
  }

  set metadata(metadata: Metadata | undefined) {
    this.#metadata = metadata;
  }

  timeLeftMs(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  // An AbortController costs more than a small call, so it is made for those who look.
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
    }
    return this.#abort.signal;
  }

  get responseHeader(): Metadata {
    if (this.#headerSent) throw new TypeError(`${this.method.fullName}: the response header has been sent`);
    return (this.#header ??= new Metadata());
  }

  get responseTrailer(): Metadata {
    return (this.#trailer ??= new Metadata());
  }

  sendHeader(): void {
    if (this.#headerSent || this.#ended) return;
    this.#headerSent = true;
    this.#responses.header(this.#header ?? new Metadata());
  }

  get<T>(key: ContextKey<T>): T {
    return this.values === undefined ? key.defaultValue : this.values.get(key);
  }

  set<T>(key: ContextKey<T>, value: T): void {
    (this.values ??= new ContextValues()).set(key, value);
  }

  /** Waits for the handler's promise; `succeed` and `fail` end the call, unless it has ended. */
  waitFor(handler: PromiseLike<unknown>, succeed: (output: unknown) => void, fail: (error: unknown) => void): void {
    this.#handlerAtWork = true;
    handler.then(
      (output) => {
        this.#handlerThrough();
        succeed(output);
      },
      (error) => {
        this.#handlerThrough();
        fail(error);
      },
    );
  }

  #handlerThrough(): void {
    this.#handlerAtWork = false;
    if (this.#ended) this.#owner.handlerThrough(this);
  }

  /** Fires the handler's signal: nobody waits for the answer any more. */
  abort(error: RpcError): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = error;
    this.#abort?.abort(error);
  }

  expire(): void {
    const error = new RpcError("DEADLINE_EXCEEDED", `${this.method.fullName} has not ended in time`);
    this.#requests?.cancel(error);
    // The peer hears of the deadline also when something in between keeps the cancellation to itself.
    this.abort(error);
    this.end(error, undefined);
  }

  header(metadata: Metadata): void {
    // A header that was sent already is not sent again; a sink does not throw.
    if (this.#ended || this.#headerSent) return;
    for (const [key, value] of metadata) this.responseHeader.append(key, value);
    this.sendHeader();
  }

  message(value: unknown): boolean {
    if (this.#ended) return true;
    if (!this.#headerSent) {
      if (this.#header === undefined) this.#headerSent = true;
      else this.sendHeader();
    }
    return this.#responses.message(value);
  }

  ready(): void {
    if (!this.#ended) this.#responses.ready();
  }

  end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.#ended) return;
    // A call without a message has a header all the same.
    if (this.#header !== undefined) this.sendHeader();
    this.#ended = true;
    this.#owner.wheel.remove(this);
    this.#owner.ended(this, this.#handlerAtWork);
    if (error === undefined) {
      this.#responses.end(undefined, this.#allTrailers(trailers));
      return;
    }
    const outgoing = outgoingError(error, this.method);
    if (isUnexpected(outgoing)) this.#owner.report(outgoing, this);
    this.#responses.end(outgoing, this.#allTrailers(trailers ?? outgoing.metadata));
  }

  #allTrailers(trailers: Metadata | undefined): Metadata | undefined {
    if (trailers === undefined || trailers.size === 0) return this.#trailer;
    if (this.#trailer === undefined) return trailers;
    const all = new Metadata(this.#trailer);
    for (const [key, value] of trailers) all.append(key, value);
    return all;
  }
}
