import type { CallContext } from "./call-context.ts";
import { type CallOptions, defaultTimeoutMs, type MethodPlan } from "./client-call.ts";
import type { Codec } from "./codec.ts";
import { DeadlineWheel } from "./deadline-wheel.ts";
import { type ClientInterceptor, clientStages, compose, type InterceptorList, sortByStage } from "./interceptor.ts";
import type { MessageReader } from "./message-reader.ts";
import { Metadata, type MetadataInit } from "./metadata.ts";
import { methodCodec } from "./method-codec.ts";
import type { Requests } from "./requests.ts";
import type { InputOf, OutputOf } from "./schema.ts";
import { type Method, type MethodShape, type MethodShapes, type Service, streamsRequests } from "./service.ts";
import { SingleResponseCall } from "./single-response-call.ts";
import { type StreamCallOptions, StreamResponseCall } from "./stream-response-call.ts";
import type { ClientTransport } from "./transport.ts";

/** A stub's function for a method: what a caller gives is the schema's input type, what it gets the output type. */
export type ClientMethod<M extends MethodShape> = M["kind"] extends "unary"
  ? UnaryFunction<InputOf<M["input"]>, OutputOf<M["output"]>>
  : M["kind"] extends "serverStream"
    ? ServerStreamFunction<InputOf<M["input"]>, OutputOf<M["output"]>>
    : M["kind"] extends "clientStream"
      ? (requests: Requests<InputOf<M["input"]>>, options?: CallOptions) => Promise<OutputOf<M["output"]>>
      : (requests: Requests<InputOf<M["input"]>>, options?: StreamCallOptions) => MessageReader<OutputOf<M["output"]>>;

// A method whose input may be undefined is called without one.
type UnaryFunction<I, O> = undefined extends I
  ? (input?: I, options?: CallOptions) => Promise<O>
  : (input: I, options?: CallOptions) => Promise<O>;
type ServerStreamFunction<I, O> = undefined extends I
  ? (input?: I, options?: StreamCallOptions) => MessageReader<O>
  : (input: I, options?: StreamCallOptions) => MessageReader<O>;

/** A typed stub of a service: one function per method. */
export type Client<S extends Service> =
  S extends Service<infer M extends MethodShapes> ? { readonly [K in keyof M]: ClientMethod<M[K]> } : never;

export interface ClientOptions {
  /** The way to the server. Not closed by the client. */
  readonly transport: ClientTransport;
  /** How messages become bytes; the server must have a codec of the same name. */
  readonly codec: Codec;
  /** Interceptors in any order; see `ClientInterceptor`. */
  readonly use?: InterceptorList<ClientInterceptor>;
  /** Limit of calls that set none, ms. Default 30,000 with one response, none for streams of responses. */
  readonly timeoutMs?: number;
  /** Default of the calls' `waitForReady`. Default false. */
  readonly waitForReady?: boolean;
  /** Sent with every call; a call's own values replace those of the same key. */
  readonly metadata?: MetadataInit;
  /** The context of the handler that is running, for calls that pass none. The package `farcall` has one. */
  readonly ambient?: () => CallContext | undefined;
}

/**
 * A typed client: an object with one function per method of the service, made from the description.
 *
 * @throws TypeError that names the option when one is missing or unusable.
 */
export function createClient<S extends Service>(service: S, options: ClientOptions): Client<S> {
  checkOptions(options);
  const interceptors = sortByStage(options.use ?? [], clientStages);
  const hasKey = interceptors.some((one) => one.stage === "key");
  const shared = {
    handle: compose(interceptors, options.transport.handle),
    wheel: new DeadlineWheel(),
    waitForReady: options.waitForReady ?? false,
    metadata: options.metadata === undefined ? undefined : new Metadata(options.metadata),
  };
  const stub: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(service.methods) as [string, Method][]) {
    const plan: MethodPlan = {
      ...shared,
      method,
      codec: methodCodec(options.codec, method),
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs(method),
      lacksKey: !hasKey && (method.effect === "keyed" || method.effect === "at-most-once"),
    };
    stub[name] = stubFunction(plan, options.ambient);
  }
  return stub as Client<S>;
}

function stubFunction(
  plan: MethodPlan,
  ambient: ClientOptions["ambient"],
): (first: unknown, options?: CallOptions) => unknown {
  const withAmbient = (options: CallOptions | undefined): CallOptions | undefined => {
    if (ambient === undefined || options?.context !== undefined) return options;
    const context = ambient();
    return context === undefined ? options : { ...options, context };
  };
  const many = streamsRequests(plan.method.kind);
  switch (plan.method.kind) {
    case "unary":
    case "clientStream":
      return (first, options) =>
        new Promise((resolve, reject) => {
          const call = new SingleResponseCall(plan, withAmbient(options), resolve, reject);
          if (many) call.sendAll(first as Requests<unknown>);
          else call.send(first);
        });
    case "serverStream":
    case "bidiStream":
      return (first, options) => {
        const call = new StreamResponseCall(plan, withAmbient(options));
        if (many) call.sendAll(first as Requests<unknown>);
        else call.send(first);
        return call.reader;
      };
  }
}

function checkOptions(options: ClientOptions): void {
  if (typeof options?.transport?.handle !== "function") {
    throw new TypeError('createClient needs a `transport`, for example tcp("127.0.0.1:7001")');
  }
  if (typeof options.codec?.message !== "function") {
    throw new TypeError("createClient needs a `codec`, for example cbor()");
  }
  if (options.timeoutMs !== undefined && !(options.timeoutMs > 0)) {
    throw new TypeError(`\`timeoutMs\` must be positive, or Infinity for no limit; got ${options.timeoutMs}`);
  }
}
