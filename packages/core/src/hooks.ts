import type {
  ClientInterceptor,
  ClientStage,
  Interceptor,
  ServedCall,
  ServerInterceptor,
  ServerStage,
} from "./interceptor.ts";
import type { Metadata } from "./metadata.ts";
import { RpcError } from "./rpc-error.ts";
import { isThenable } from "./thenable.ts";
import type { Call, CallHandler, CallProgress, OutgoingCall, RequestSink, ResponseSink } from "./transport.ts";

/**
 * What an interceptor does at each event of a call, for all four kinds. Every hook may be left out. A hook that throws
 * ends the call with what it threw.
 */
export interface CallHooks<C extends Call> {
  /**
   * Before anything is sent on. May change the call's metadata, deadline and values. A promise it returns holds the call
   * back until it settles, no longer than the call's deadline or cancellation.
   */
  start?(call: C): void | Promise<void>;
  /** Each request; returns the request that goes on. */
  request?(message: unknown, call: C): unknown;
  /** The response header, on a client. At a server it goes from the handler's context to the caller. */
  header?(header: Metadata, call: C): void;
  /** Each response; returns the response that goes on. */
  response?(message: unknown, call: C): unknown;
  /** The end of the call, exactly once; `error` undefined means OK. */
  end?(error: RpcError | undefined, trailers: Metadata | undefined, call: C): void;
}

/** A client interceptor from hooks. */
export function clientInterceptor(name: string, stage: ClientStage, hooks: CallHooks<OutgoingCall>): ClientInterceptor {
  return fromHooks(name, stage, hooks);
}

/** A server interceptor from hooks. */
export function serverInterceptor(name: string, stage: ServerStage, hooks: CallHooks<ServedCall>): ServerInterceptor {
  return fromHooks(name, stage, hooks);
}

function fromHooks<C extends Call, S extends string>(name: string, stage: S, hooks: CallHooks<C>): Interceptor<C, S> {
  return {
    name,
    stage,
    wrap: (next) => (call, responses) => {
      const hooked = new HookedCall(name, hooks, next, call, responses);
      hooked.start();
      return hooked.requests;
    },
  };
}

/** One call under hooks, between what comes before (`responses`) and what comes after (`inner`). */
class HookedCall<C extends Call> {
  readonly requests: RequestSink;
  readonly #name: string;
  readonly #hooks: CallHooks<C>;
  readonly #next: CallHandler<C>;
  readonly #call: C;
  readonly #responses: ResponseSink;
  #inner: RequestSink | undefined = undefined;
  /** Requests that came while `start` was at work. */
  #waiting: { value: unknown; last: boolean }[] = [];
  #halfClosed = false;
  #ended = false;

  constructor(name: string, hooks: CallHooks<C>, next: CallHandler<C>, call: C, responses: ResponseSink) {
    this.#name = name;
    this.#hooks = hooks;
    this.#next = next;
    this.#call = call;
    this.#responses = responses;
    this.requests = {
      message: (value, last) => this.#request(value, last),
      end: () => this.#halfClose(),
      cancel: (error) => this.#cancel(error),
      ready: () => this.#inner?.ready(),
      progress: () => this.#inner?.progress() ?? this.#notStarted(),
    };
  }

  start(): void {
    let pending: unknown;
    try {
      pending = this.#hooks.start?.(this.#call);
    } catch (error) {
      return this.#refuse(error);
    }
    if (!isThenable(pending)) return this.#goOn();
    pending.then(
      () => this.#goOn(),
      (error) => this.#refuse(error),
    );
  }

  #goOn(): void {
    if (this.#ended) return;
    const inner = this.#next(this.#call, {
      header: (header) =>
        this.#guard(
          () => this.#hooks.header?.(header, this.#call),
          () => this.#responses.header(header),
        ),
      message: (value) => this.#response(value),
      end: (error, trailers) => this.#end(error, trailers),
      ready: () => this.#responses.ready(),
    });
    this.#inner = inner;
    if (this.#ended) return;
    const waiting = this.#waiting.splice(0);
    let room = true;
    for (const { value, last } of waiting) room = this.#request(value, last);
    if (this.#ended) return;
    if (this.#halfClosed) inner.end();
    else if (waiting.length > 0 && room) this.#responses.ready();
  }

  #request(value: unknown, last: boolean): boolean {
    if (this.#ended) return true;
    if (this.#inner === undefined) {
      this.#waiting.push({ value, last });
      return false;
    }
    const { request } = this.#hooks;
    if (request !== undefined) {
      try {
        value = request(value, this.#call);
      } catch (error) {
        this.#cancelWith(this.#thrown(error));
        return true;
      }
    }
    return this.#inner.message(value, last);
  }

  #halfClose(): void {
    this.#halfClosed = true;
    this.#inner?.end();
  }

  #response(value: unknown): boolean {
    if (this.#ended) return true;
    const { response } = this.#hooks;
    if (response !== undefined) {
      try {
        value = response(value, this.#call);
      } catch (error) {
        this.#cancelWith(this.#thrown(error));
        return true;
      }
    }
    return this.#responses.message(value);
  }

  #guard(hook: () => void, action: () => void): void {
    if (this.#ended) return;
    try {
      hook();
    } catch (error) {
      return this.#cancelWith(this.#thrown(error));
    }
    action();
  }

  #cancel(error: RpcError): void {
    if (this.#inner !== undefined) this.#inner.cancel(error);
    else this.#end(error, undefined);
  }

  /** Ends the call from the middle: what comes after is told to stop, what comes before hears why. */
  #cancelWith(error: RpcError): void {
    if (this.#ended) return;
    this.#end(error, undefined);
    this.#inner?.cancel(error);
  }

  #refuse(error: unknown): void {
    const known = this.#thrown(error);
    this.#end(known.remote ? known : known.with({ processed: "no" }), undefined);
  }

  #end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiting = [];
    try {
      this.#hooks.end?.(error, trailers, this.#call);
    } catch (thrown) {
      error ??= this.#thrown(thrown);
    }
    this.#responses.end(error, trailers);
  }

  /** What a hook threw: an RpcError is meant, anything else is its bug and says nothing to the peer. */
  #thrown(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    return new RpcError("UNKNOWN", `interceptor "${this.#name}" failed`, { cause: error });
  }

  #notStarted(): CallProgress {
    return { phase: "sending", note: "an interceptor has not let it start" };
  }
}
