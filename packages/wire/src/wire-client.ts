import {
  type CallHandler,
  type ClientTransport,
  type CloseOptions,
  GracePeriod,
  type Limits,
  limitsWith,
  Metadata,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
} from "@farcall/core";
import { Backoff } from "./backoff.ts";
import { ClientEnd } from "./client-end.ts";
import type { Connector } from "./connection.ts";
import { metadataCost } from "./field-writer.ts";
import { maxMetadataBlockBytes } from "./frame.ts";
import { startTimer } from "./start-timer.ts";
import { WaitingCall } from "./waiting-call.ts";
import type { WireClientOptions } from "./wire-options.ts";

/**
 * Calls over the connections of one connector: connects when the first call comes, and again when a call comes after
 * the connection was lost.
 *
 * @throws RangeError that names the option when one is unusable.
 */
export function wireClient(connector: Connector, options: WireClientOptions = {}): ClientTransport {
  return new WireClient(connector, options);
}

/**
 *     idle ── a call ──▶ connecting ── server's hello ──▶ ready ── lost, or it goes away ──▶ idle
 *      ▲                     │ failed
 *      └── time is over ── resting ◀┘        doubtful: ready, asked for a sign of life before its next call
 */
type State =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly abort: AbortController; end: ClientEnd | undefined }
  | { readonly name: "ready"; readonly end: ClientEnd }
  | { readonly name: "doubtful"; readonly end: ClientEnd }
  | { readonly name: "resting"; readonly until: number; readonly error: RpcError; timer: Timer | undefined }
  | { readonly name: "closed" };

type Timer = ReturnType<typeof setTimeout>;

const idle: State = { name: "idle" };

class WireClient implements ClientTransport {
  readonly address: string;
  readonly #connector: Connector;
  readonly #options: WireClientOptions;
  readonly #limits: Limits;
  readonly #connectTimeoutMs: number;
  readonly #backoff: Backoff;
  #state: State = idle;
  /** Connections in a row that ended before they were good for anything. One may be chance. */
  #fruitless = 0;
  #waiting = new Set<WaitingCall>();
  /** All connections that are not over, also those that only finish their calls. */
  #ends = new Set<ClientEnd>();
  readonly #grace = new GracePeriod();
  #closing: Promise<void> | undefined;
  #onAllClosed: (() => void) | undefined;

  constructor(connector: Connector, options: WireClientOptions) {
    this.address = connector.address;
    this.#connector = connector;
    this.#options = options;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 20_000;
    if (!(this.#connectTimeoutMs > 0))
      throw new RangeError(`connectTimeoutMs must be positive, got ${options.connectTimeoutMs}`);
    this.#limits = limitsWith({ ...options.limits, handshakeTimeoutMs: this.#connectTimeoutMs });
    this.#backoff = new Backoff(options.backoff, options.random);
  }

  handle: CallHandler<OutgoingCall> = (call, responses) => {
    const state = this.#state;
    if (state.name === "ready" && !state.end.doubtful) return state.end.start(call, responses);
    return this.#wait(call, responses);
  };

  close(options: CloseOptions = {}): Promise<void> {
    this.#grace.limit(options.graceMs ?? 0);
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A call that cannot begin at once. */
  #wait(call: OutgoingCall, responses: ResponseSink): RequestSink {
    const waiting = new WaitingCall(call, responses, (one) => this.#forget(one));
    const state = this.#state;
    switch (state.name) {
      case "closed":
        waiting.fail(new RpcError("UNAVAILABLE", `the transport to ${this.address} is closed`, { processed: "no" }));
        return waiting;
      case "resting":
        if (performance.now() < state.until && !call.waitForReady) {
          waiting.fail(this.#restingError(state.error, state.until - performance.now()));
          return waiting;
        }
        waiting.refused = state.error;
        this.#waiting.add(waiting);
        if (performance.now() >= state.until) this.#connect();
        else state.timer ??= startTimer(() => this.#connect(), state.until - performance.now());
        return waiting;
      case "idle":
        this.#waiting.add(waiting);
        this.#connect();
        return waiting;
      case "ready":
        this.#waiting.add(waiting);
        this.#state = { name: "doubtful", end: state.end };
        state.end.ask(() => {
          // What it said may have been that it leaves.
          if (this.#state.name === "doubtful" && this.#state.end === state.end) this.#ready(state.end);
        });
        return waiting;
      case "connecting":
      case "doubtful":
        this.#waiting.add(waiting);
        return waiting;
    }
  }

  /** A call that waited has been cancelled. Nobody connects for nobody. */
  #forget(call: WaitingCall): void {
    this.#waiting.delete(call);
    if (this.#waiting.size > 0 || this.#state.name !== "resting") return;
    clearTimeout(this.#state.timer);
    this.#state.timer = undefined;
  }

  #connect(): void {
    if (this.#state.name === "resting") clearTimeout(this.#state.timer);
    const abort = new AbortController();
    const state: State = { name: "connecting", abort, end: undefined };
    this.#state = state;
    const timer = startTimer(() => {
      const late = `no connection within ${this.#connectTimeoutMs} ms`;
      abort.abort(new Error(late));
      state.end?.close(new RpcError("UNAVAILABLE", `${late}: the server has not said hello`, { processed: "no" }));
    }, this.#connectTimeoutMs);
    const settled = (): void => clearTimeout(timer);
    this.#establish(state, abort.signal, settled).catch((error: unknown) => {
      settled();
      if (this.#state === state) this.#failed(this.#connectError(abort.signal.aborted ? abort.signal.reason : error));
    });
  }

  async #establish(state: State & { name: "connecting" }, signal: AbortSignal, settled: () => void): Promise<void> {
    const { handshake } = this.#options;
    const metadata = new Metadata(
      typeof handshake === "function" ? await unlessAborted(handshake(), signal) : handshake,
    );
    if (signal.aborted) throw signal.reason;
    if (metadataCost(metadata) > maxMetadataBlockBytes) {
      throw new Error(`the handshake's metadata is larger than ${maxMetadataBlockBytes} bytes`);
    }
    const connection = await this.#connector.connect(signal);
    if (this.#state !== state || signal.aborted) {
      connection.open({ data: () => {}, drained: () => {}, closed: () => {} });
      connection.destroy();
      throw signal.reason ?? new Error("no longer wanted");
    }
    const end = new ClientEnd(
      connection,
      { limits: this.#limits, keepAlive: this.#options.keepAlive, handshake: metadata },
      {
        ready: (one) => {
          settled();
          this.#ready(one);
        },
        leaving: (one) => this.#left(one),
        closed: (one, error) => {
          settled();
          this.#closed(one, error);
        },
        gone: (one) => {
          this.#ends.delete(one);
          if (this.#ends.size === 0) this.#onAllClosed?.();
        },
      },
    );
    state.end = end;
    this.#ends.add(end);
  }

  #ready(end: ClientEnd): void {
    if (this.#state.name === "closed") return;
    this.#state = { name: "ready", end };
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.goOn((call, responses) => this.#startOn(end, call, responses));
  }

  /** A connection may leave while the calls that waited for it begin. */
  #startOn(end: ClientEnd, call: OutgoingCall, responses: ResponseSink): RequestSink {
    if (this.#state.name === "ready" && this.#state.end === end) return end.start(call, responses);
    return this.#wait(call, responses);
  }

  #left(end: ClientEnd): void {
    const state = this.#state;
    if ((state.name !== "ready" && state.name !== "doubtful") || state.end !== end) return;
    this.#lost(end, new RpcError("UNAVAILABLE", "the server went away at once", { processed: "no" }));
  }

  /** The connection for calls is none any more. */
  #lost(end: ClientEnd, error: RpcError): void {
    if (end.proven) {
      this.#backoff.reset();
      this.#fruitless = 0;
    } else if (++this.#fruitless > 1) {
      return this.#failed(this.#connectError(error));
    }
    this.#state = idle;
    if (this.#waiting.size > 0) this.#connect();
  }

  #closed(end: ClientEnd, error: RpcError): void {
    const state = this.#state;
    if (state.name === "connecting" && state.end === end) {
      this.#failed(this.#connectError(error));
    } else if ((state.name === "doubtful" || state.name === "ready") && state.end === end) {
      // If it slept too long, those who wait were not sent, and another is made at once.
      this.#lost(end, error);
    }
  }

  /** No connection: those who may wait do, until the next attempt. */
  #failed(error: RpcError): void {
    const waitMs = this.#backoff.next();
    const patient = [...this.#waiting].filter((one) => one.call.waitForReady);
    const others = [...this.#waiting].filter((one) => !one.call.waitForReady);
    this.#waiting = new Set(patient);
    this.#state = {
      name: "resting",
      until: performance.now() + waitMs,
      error,
      timer: patient.length > 0 ? startTimer(() => this.#connect(), waitMs) : undefined,
    };
    for (const one of patient) one.refused = error;
    for (const one of others) one.fail(error);
  }

  #connectError(cause: unknown): RpcError {
    const text = cause instanceof RpcError ? cause.rawMessage : ((cause as Error)?.message ?? String(cause));
    const code = cause instanceof RpcError && cause.remote ? cause.code : "UNAVAILABLE";
    // Many a cause names the address itself.
    const message = text.includes(this.address) ? text : `no connection to ${this.address}: ${text}`;
    return new RpcError(code, message, { processed: "no", cause, peer: this.address });
  }

  /** What calls hear that do not wait for the next attempt. */
  #restingError(error: RpcError, forMs: number): RpcError {
    const message = `${error.rawMessage} (not tried again for ${Math.ceil(forMs)} ms)`;
    return new RpcError(error.code, message, { processed: "no", cause: error.cause, peer: this.address });
  }

  async #close(): Promise<void> {
    const state = this.#state;
    const error = new RpcError("UNAVAILABLE", `the transport to ${this.address} was closed`, { processed: "no" });
    this.#state = { name: "closed" };
    if (state.name === "connecting") state.abort.abort(error);
    if (state.name === "resting") clearTimeout(state.timer);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.fail(error);
    if (this.#ends.size === 0) return;
    const allClosed = new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
    for (const end of this.#ends) end.drain(error);
    const late = error.with({ processed: "unknown" });
    void this.#grace.over.then(() => {
      for (const end of this.#ends) end.close(late);
    });
    await allClosed;
    this.#grace.end();
  }
}

/** What `value` resolves to; rejects when `signal` aborts first, because what others wrote may never settle. */
function unlessAborted<T>(value: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    Promise.resolve(value).then(resolve, reject);
  });
}
