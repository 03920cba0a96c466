import type { CallContext } from "./call-context.ts";
import type { ContextValues } from "./context-values.ts";
import type { DeadlineWheel, Expiring } from "./deadline-wheel.ts";
import type { Explanation, StopReason } from "./explain.ts";
import { Metadata, type MetadataInit } from "./metadata.ts";
import type { MethodCodec } from "./method-codec.ts";
import { RpcError } from "./rpc-error.ts";
import { ValidationFailure } from "./schema.ts";
import { type Method, streamsResponses } from "./service.ts";
import type { CallHandler, CallProgress, OutgoingCall, RequestSink, ResponseSink } from "./transport.ts";

/** What a caller may say of one call. */
export interface CallOptions {
  /**
   * The caller's limit, ms from now; the server hears what is left. `Infinity` for none. Default: the client's, which is
   * 30,000 for calls with one response and none for streams of responses.
   */
  readonly timeoutMs?: number | undefined;
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal | undefined;
  /** Request metadata. */
  readonly metadata?: MetadataInit | undefined;
  /** Wait for a connection as long as the deadline allows, instead of failing at once. Default false. */
  readonly waitForReady?: boolean | undefined;
  /**
   * The context of the handler that makes this call: the call ends with the handler's own, and has at most the time that
   * is left of it.
   */
  readonly context?: CallContext<unknown> | undefined;
  /** Values for interceptors. */
  readonly values?: ContextValues | undefined;
  /** The server's response headers, before the first message. */
  readonly onHeader?: ((header: Metadata) => void) | undefined;
  /** The server's trailers, at the end; those of a failed call are also on its error. */
  readonly onTrailer?: ((trailer: Metadata) => void) | undefined;
}

/** What a client knows of a method before any call. */
export interface MethodPlan {
  readonly method: Method;
  readonly codec: MethodCodec;
  readonly handle: CallHandler<OutgoingCall>;
  readonly wheel: DeadlineWheel;
  readonly timeoutMs: number;
  readonly waitForReady: boolean;
  readonly metadata: Metadata | undefined;
  /** Is there nobody who would add the idempotency key that this method needs? */
  readonly lacksKey: boolean;
}

const noOptions: CallOptions = {};

/**
 * One call of a client, from the stub to its end: it is what travels out (`OutgoingCall`) and where the answers arrive
 * (`ResponseSink`) in one object, because both live exactly as long. What is done with the responses differs by kind
 * and is in the two classes that extend it.
 */
export abstract class ClientCall implements OutgoingCall, ResponseSink, Expiring {
  readonly method: Method;
  readonly codec: MethodCodec;
  metadata: Metadata | undefined;
  values: ContextValues | undefined;
  attempt = 1;
  readonly startedAt: number;
  waitForReady: boolean;
  avoid: readonly string[] | undefined = undefined;
  wheelNext: Expiring | undefined = undefined;
  wheelPrevious: Expiring | undefined = undefined;
  wheelSlot = -1;

  protected readonly plan: MethodPlan;
  protected readonly options: CallOptions;
  protected requests: RequestSink | undefined = undefined;
  protected settled = false;
  /** The caller has given up, or the deadline has passed: nothing more is delivered. */
  protected givenUp = false;
  #deadline: number;
  #started = false;

  constructor(plan: MethodPlan, options: CallOptions = noOptions) {
    this.plan = plan;
    this.options = options;
    this.method = plan.method;
    this.codec = plan.codec;
    this.waitForReady = options.waitForReady ?? plan.waitForReady;
    this.values = options.values;
    // Its own, because interceptors add to it.
    this.metadata = plan.metadata === undefined ? undefined : new Metadata(plan.metadata);
    this.startedAt = performance.now();
    this.#deadline = this.startedAt + Number(options.timeoutMs ?? plan.timeoutMs);
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Interceptors may change it on the way. */
  set deadline(deadline: number) {
    this.plan.wheel.remove(this);
    this.#deadline = deadline;
    if (this.#started && !this.settled && deadline < Infinity) this.plan.wheel.add(this);
  }

  /** What the call resolves to has arrived. `error` is why it has not. */
  protected abstract settle(error: RpcError | undefined): void;
  abstract message(value: unknown): boolean;
  /** Room for requests. */
  abstract ready(): void;

  /** Goes on its way, unless something about it is wrong; then it has ended when this returns. */
  protected start(): void {
    if (this.options !== noOptions && !this.#applyOptions()) return;
    if (this.plan.lacksKey && this.metadata?.has("idempotency-key") !== true) {
      return this.#refuse(
        "INVALID_ARGUMENT",
        `${this.method.fullName} is ${this.method.effect} and needs an idempotency key: ` +
          `add an interceptor that makes one (stage "key") to the client, or send metadata "idempotency-key"`,
      );
    }
    this.#started = true;
    if (this.#deadline !== Infinity) this.plan.wheel.add(this);
    this.requests = this.plan.handle(this, this);
    // Whoever took the call may not have seen that it was given up meanwhile. After a proper end this does nothing.
    if (this.settled) this.requests.cancel(new RpcError("CANCELLED", "the call has ended"));
  }

  /** Sends the one request. */
  protected sendOnly(input: unknown): void {
    if (!this.settled) this.requests?.message(input, true);
  }

  header(metadata: Metadata): void {
    const { onHeader } = this.options;
    if (onHeader !== undefined && !this.settled) this.#callBack(() => onHeader(metadata));
  }

  end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.settled) return;
    const { onTrailer } = this.options;
    if (onTrailer !== undefined) this.#callBack(() => onTrailer(trailers ?? error?.metadata ?? new Metadata()));
    this.ended(error === undefined ? undefined : this.#explained(error));
  }

  /** The other end has ended the call. What arrived before it comes first. */
  protected ended(error: RpcError | undefined): void {
    this.finish(error);
  }

  /** Cancels the call at the caller's wish. */
  abort(error: RpcError): void {
    if (this.settled) return;
    this.requests?.cancel(error);
    // Whatever is between here and the network: the caller hears of the end now.
    if (!this.settled) this.finish(this.#explained(error));
  }

  expire(): void {
    this.#giveUp(new RpcError("DEADLINE_EXCEEDED", `${this.method.fullName} has not ended in time`));
  }

  /** An abort event of the caller's signal or the handler's context. */
  handleEvent(event: { readonly target: EventTarget | null }): void {
    this.#giveUp(cancelled(event.target as AbortSignal));
  }

  #giveUp(error: RpcError): void {
    this.givenUp = true;
    this.abort(error);
  }

  /** The only way to the end: leaves nothing behind, then tells the caller. */
  protected finish(error: RpcError | undefined): void {
    if (this.settled) return;
    this.settled = true;
    this.plan.wheel.remove(this);
    this.options.signal?.removeEventListener("abort", this);
    this.options.context?.signal.removeEventListener("abort", this);
    this.settle(error);
  }

  /** A response is not what the contract says. */
  protected invalid(error: unknown): void {
    const reason = error instanceof ValidationFailure ? error.message : "the validator failed";
    this.abort(
      new RpcError("INTERNAL", `the response of ${this.method.fullName} is not what the contract says: ${reason}`, {
        processed: "yes",
        cause: error,
      }),
    );
  }

  #applyOptions(): boolean {
    const { options } = this;
    if (options.timeoutMs !== undefined && (typeof options.timeoutMs !== "number" || Number.isNaN(options.timeoutMs))) {
      this.#refuse("INTERNAL", `timeoutMs must be a number of milliseconds, not ${String(options.timeoutMs)}`);
      return false;
    }
    if (options.timeoutMs !== undefined && !(options.timeoutMs > 0)) {
      this.#refuse("DEADLINE_EXCEEDED", `timeoutMs is ${options.timeoutMs}: no time to begin`);
      return false;
    }
    if (options.metadata !== undefined) {
      try {
        this.metadata = merge(this.metadata, options.metadata);
      } catch (error) {
        this.#refuse("INTERNAL", (error as Error).message, error);
        return false;
      }
    }
    if (options.context !== undefined) {
      this.#deadline = Math.min(this.#deadline, options.context.deadline);
      if (this.#deadline <= this.startedAt) {
        this.#refuse("DEADLINE_EXCEEDED", "the deadline of the handler that calls has passed");
        return false;
      }
    }
    return this.#listen(options.signal) && this.#listen(options.context?.signal);
  }

  #listen(signal: AbortSignal | undefined): boolean {
    if (signal === undefined) return true;
    if (!signal.aborted) {
      signal.addEventListener("abort", this);
      return true;
    }
    const { code, rawMessage, cause } = cancelled(signal);
    this.#refuse(code, rawMessage, cause);
    return false;
  }

  /** Ends a call that never left. */
  #refuse(code: RpcError["code"], message: string, cause?: unknown): void {
    this.finish(this.#explained(new RpcError(code, message, { processed: "no", cause })));
  }

  #callBack(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      // The caller's mistake must not break the transport that is in the middle of an event.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** The error with the story of the call. Past the deadline it is DEADLINE_EXCEEDED, whatever the peer's reset says. */
  #explained(error: RpcError): RpcError {
    const now = performance.now();
    if (now >= this.deadline && error.code !== "DEADLINE_EXCEEDED" && error.processed !== "yes") {
      error = new RpcError("DEADLINE_EXCEEDED", `${this.method.fullName} has not ended in time`, {
        cause: error,
        processed: error.processed,
        metadata: error.metadata,
      });
    }
    const progress = this.requests?.progress() ?? { phase: "connecting" as const };
    // What never had a connection was never sent.
    if (progress.phase === "connecting" && error.processed === "unknown") error = error.with({ processed: "no" });
    error.explain ??= this.#explanation(error, progress, now);
    return error;
  }

  #explanation(error: RpcError, progress: CallProgress, now: number): Explanation {
    const elapsedMs = now - this.startedAt;
    return {
      elapsedMs,
      timeoutMs: this.deadline - this.startedAt,
      attempts: [{ ...progress, peer: progress.peer ?? error.peer, elapsedMs, code: error.code }],
      stopped: stopReason(error),
    };
  }
}

function stopReason(error: RpcError): StopReason {
  if (error.code === "CANCELLED") return "cancelled";
  return error.code === "DEADLINE_EXCEEDED" ? "deadline" : "not retried";
}

function cancelled(signal: AbortSignal): RpcError {
  const reason: unknown = signal.reason;
  if (reason instanceof RpcError && !reason.remote)
    return new RpcError(reason.code, reason.rawMessage, { cause: reason });
  if (reason instanceof Error && reason.name === "TimeoutError") return RpcError.from(reason);
  const message = reason instanceof Error && reason.name !== "AbortError" ? reason.message : "the caller cancelled";
  return new RpcError("CANCELLED", message, { cause: reason });
}

function merge(base: Metadata | undefined, init: MetadataInit): Metadata {
  const own = new Metadata(init);
  if (base === undefined) return own;
  const merged = new Metadata(base);
  for (const [key] of own) merged.delete(key);
  for (const [key, value] of own) merged.append(key, value);
  return merged;
}

/** Does this kind of call have a time limit by default? Streams of responses may last for ever. */
export function defaultTimeoutMs(method: Method): number {
  return streamsResponses(method.kind) ? Infinity : 30_000;
}
