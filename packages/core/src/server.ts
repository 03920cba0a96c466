import { AbandonedHandlers } from "./abandoned-handlers.ts";
import type { CallContext } from "./call-context.ts";
import type { Codec } from "./codec.ts";
import { DeadlineWheel } from "./deadline-wheel.ts";
import { GracePeriod } from "./grace-period.ts";
import type { Handlers } from "./handlers.ts";
import { serverInterceptor } from "./hooks.ts";
import {
  compose,
  type InterceptorList,
  type ServedCall,
  type ServerInterceptor,
  serverStages,
  sortByStage,
} from "./interceptor.ts";
import { type Limits, limitsWith } from "./limits.ts";
import { Router } from "./router.ts";
import { RpcError } from "./rpc-error.ts";
import { type AnyHandler, runHandler } from "./run-handler.ts";
import { ServerCall, type ServerCallOwner } from "./server-call.ts";
import type { Method, MethodShapes, Service } from "./service.ts";
import { isThenable } from "./thenable.ts";
import type {
  CallAcceptor,
  CallHandler,
  CallProgress,
  CloseOptions,
  IncomingCall,
  Listening,
  RequestSink,
  ResponseSink,
  ServerTransport,
} from "./transport.ts";
import { validating } from "./validated-requests.ts";

export interface ServerOptions<P = unknown> {
  /** What the server can read and write; each client chooses one by name. At least one. */
  readonly codecs: readonly Codec[];
  /**
   * Who calls? Runs before validation and the handler; what it returns is `context.principal`. Throw an `RpcError`
   * (`UNAUTHENTICATED`, `PERMISSION_DENIED`) to refuse. Default: nobody is asked.
   */
  readonly auth?: (call: ServedCall) => P | Promise<P>;
  /** Interceptors in any order; see `ServerInterceptor`. */
  readonly use?: InterceptorList<ServerInterceptor>;
  readonly limits?: Partial<Limits>;
  /** What callers that are shed for load are told to wait, ms. Default 100. */
  readonly shedRetryAfterMs?: number;
  /**
   * Hears of what callers are not told: exceptions of handlers (`error.cause`), protocol errors of peers. Default:
   * `console.error`.
   */
  readonly onError?: (error: RpcError, source: ErrorSource) => void;
}

/** Where an error that `onError` hears of happened. */
export interface ErrorSource {
  /** Undefined for errors of a connection. */
  readonly context?: CallContext | undefined;
  readonly peer: string;
}

/** A server: services with their handlers, reachable by any number of transports. */
export interface Server<P = unknown> extends AsyncDisposable {
  /**
   * Registers the handlers of a service. Returns the server.
   * @throws TypeError when the service is there already, or a handler is missing, unknown or not a function.
   */
  add<S extends Service>(service: S, handlers: Handlers<S, P>): Server<P>;
  /**
   * Starts to accept calls on a transport.
   * @throws TypeError when a registered method needs an interceptor that the server does not have.
   */
  listen(transport: ServerTransport): Promise<Listening>;
  /** The registered services, in order. */
  readonly services: readonly Service[];
  /** Calls that are open now. */
  readonly openCalls: number;
  /**
   * Refuses new calls on all transports, lets open ones end for `graceMs` (default 10,000), then cancels the rest.
   * Always settles; nothing is left running. Called again, it can only shorten the time.
   */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Makes a server. It accepts nothing until `listen`.
 * @throws TypeError or RangeError that names the option when one is unusable.
 */
export function createServer<P = unknown>(options: ServerOptions<P>): Server<P> {
  return new FarcallServer(options);
}

class FarcallServer<P> implements Server<P>, ServerCallOwner, CallAcceptor {
  readonly wheel: DeadlineWheel = new DeadlineWheel();
  readonly limits: Limits;
  readonly codecs: readonly string[];
  readonly #options: ServerOptions<P>;
  readonly #router: Router;
  readonly #interceptors: readonly ServerInterceptor[];
  readonly #handle: CallHandler<ServedCall>;
  #listening = new Set<Listening>();
  #openCalls = 0;
  readonly #abandoned = new AbandonedHandlers();
  readonly #grace = new GracePeriod();
  #closing: Promise<void> | undefined;

  constructor(options: ServerOptions<P>) {
    this.#options = options;
    this.limits = limitsWith(options.limits);
    this.#router = new Router(options.codecs);
    this.codecs = this.#router.codecNames;
    this.#interceptors = this.#allInterceptors();
    const before = this.#interceptors.filter((one) => one.stage !== "once" && one.stage !== "handler");
    const after = this.#interceptors.filter((one) => one.stage === "once" || one.stage === "handler");
    const dispatch: CallHandler<ServedCall> = (call, responses) => this.#router.handlerOf(call.method)(call, responses);
    this.#handle = compose(before, validating(compose(after, dispatch)));
  }

  get features(): readonly string[] {
    return this.#hasOnce() ? ["idempotency-key"] : [];
  }

  get services(): readonly Service[] {
    return this.#router.services;
  }

  get openCalls(): number {
    return this.#openCalls;
  }

  add<S extends Service>(service: S, handlers: Handlers<S, P>): Server<P> {
    if (this.#listening.size > 0) this.#requireOnce([service]);
    this.#router.add(service as Service<MethodShapes>, handlers as Record<string, AnyHandler>, runHandler);
    return this;
  }

  async listen(transport: ServerTransport): Promise<Listening> {
    if (typeof transport?.listen !== "function") {
      throw new TypeError("listen needs a server transport, for example tcpServer({ port: 7001 })");
    }
    if (this.#closing !== undefined) throw new TypeError("the server is closed");
    this.#requireOnce(this.services);
    const listening = await transport.listen(this);
    if (this.#closing !== undefined) {
      await listening.close();
      throw new TypeError("the server was closed while it began to listen");
    }
    this.#listening.add(listening);
    return listening;
  }

  close(options: CloseOptions = {}): Promise<void> {
    this.#grace.limit(options.graceMs ?? 10_000);
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  resolve: CallAcceptor["resolve"] = (fullName, kind, codec) => {
    const resolved = this.#router.resolve(fullName, kind, codec);
    // A codec that cannot carry a type is this server's own mistake.
    if (resolved instanceof RpcError && resolved.code === "INTERNAL") this.report(resolved, fullName);
    return resolved;
  };

  handle: CallHandler<IncomingCall> = (incoming, responses) => {
    if (this.#openCalls + this.#abandoned.size >= this.limits.maxCalls) {
      return this.#shed(responses, `the server has ${this.limits.maxCalls} calls open, its limit`);
    }
    if (this.#abandoned.size > 0 && this.#abandoned.of(incoming.peer) >= this.limits.maxCallsPerConnection) {
      return this.#shed(responses, `too many handlers still work on calls that this connection gave up`);
    }
    this.#openCalls++;
    const call = new ServerCall(this, incoming, responses);
    let requests: RequestSink;
    try {
      requests = this.#handle(call, call);
    } catch (error) {
      // An interceptor that breaks the rule of sinks breaks its own call, not the connection.
      call.end(new RpcError("UNKNOWN", "an interceptor failed", { cause: error }), undefined);
      return nowhere;
    }
    call.requests = requests;
    return this.#interceptors.length === 0 ? requests : guarded(requests, call);
  };

  ended(call: ServerCall, handlerAtWork: boolean): void {
    this.#openCalls--;
    if (handlerAtWork) this.#abandoned.add(call.peer);
  }

  handlerThrough(call: ServerCall): void {
    this.#abandoned.remove(call.peer);
  }

  report(error: RpcError, source: ServerCall | string): void {
    const onError = this.#options.onError ?? logError;
    try {
      if (typeof source === "string") onError(error, { peer: source });
      else onError(error, { context: source, peer: source.peer.address });
    } catch (thrown) {
      logError(RpcError.from(thrown), { peer: "onError" });
    }
  }

  #shed(responses: ResponseSink, message: string): RequestSink {
    const retryAfterMs = this.#options.shedRetryAfterMs ?? 100;
    responses.end(new RpcError("RESOURCE_EXHAUSTED", message, { processed: "no", retryAfterMs }), undefined);
    return nowhere;
  }

  #allInterceptors(): ServerInterceptor[] {
    const { auth, use } = this.#options;
    const own = auth === undefined ? [] : [authInterceptor(auth)];
    return sortByStage([...own, ...(use ?? [])], serverStages);
  }

  #hasOnce(): boolean {
    return this.#interceptors.some((one) => one.stage === "once");
  }

  #requireOnce(services: readonly Service[]): void {
    if (this.#hasOnce()) return;
    for (const service of services) {
      for (const method of Object.values(service.methods) as Method[]) {
        if (method.effect !== "keyed" && method.effect !== "at-most-once") continue;
        throw new TypeError(
          `${method.fullName} is ${method.effect}, and this server has no interceptor of stage "once" to keep that ` +
            `promise: add one to \`use\`, or declare another effect`,
        );
      }
    }
  }

  async #close(): Promise<void> {
    const listening = [...this.#listening];
    try {
      await Promise.race([Promise.all(listening.map((one) => one.drain())), this.#grace.over]);
    } finally {
      this.#grace.end();
      await Promise.all(listening.map((one) => one.close()));
    }
  }
}

function authInterceptor<P>(auth: (call: ServedCall) => P | Promise<P>): ServerInterceptor {
  return serverInterceptor("auth", "auth", {
    start(call) {
      const principal = auth(call);
      if (isThenable(principal)) {
        return Promise.resolve(principal).then((one) => {
          (call as ServerCall).principal = one;
        });
      }
      (call as ServerCall).principal = principal;
    },
  });
}

/** The requests of a call whose interceptors may throw where they must not: that ends the call and nothing else. */
function guarded(requests: RequestSink, call: ServerCall): RequestSink {
  const guard = <T>(event: () => T, otherwise: T): T => {
    try {
      return event();
    } catch (error) {
      call.end(new RpcError("UNKNOWN", "an interceptor failed", { cause: error }), undefined);
      return otherwise;
    }
  };
  return {
    message: (value, last) => guard(() => requests.message(value, last), true),
    end: () => guard(() => requests.end(), undefined),
    cancel: (error) => guard(() => requests.cancel(error), undefined),
    ready: () => guard(() => requests.ready(), undefined),
    progress: () => requests.progress(),
  };
}

/** Takes what still comes of a call that was refused. */
const nowhere: RequestSink = {
  message: () => true,
  end: () => {},
  cancel: () => {},
  ready: () => {},
  progress: (): CallProgress => ({ phase: "sending" }),
};

function logError(error: RpcError, source: ErrorSource): void {
  const where = source.context === undefined ? source.peer : `${source.context.method.fullName} from ${source.peer}`;
  // Only when nobody has said where to: an error that no one hears of is worse than a line on the terminal.
  // oxlint-disable-next-line no-console
  console.error(`farcall: ${where}:`, source.context === undefined ? printable(error.message) : (error.cause ?? error));
}

/** A connection's error may quote its peer, who must not write to the terminal. */
function printable(text: string): string {
  return text
    .slice(0, 1_000)
    .replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
