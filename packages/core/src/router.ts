import type { Codec } from "./codec.ts";
import { isPush } from "./handlers.ts";
import type { ServedCall } from "./interceptor.ts";
import { methodCodec } from "./method-codec.ts";
import { RpcError } from "./rpc-error.ts";
import type { AnyHandler } from "./run-handler.ts";
import { type CallKind, type Method, type Service, streamsResponses } from "./service.ts";
import type { CallHandler, ResolvedMethod } from "./transport.ts";

interface Route {
  readonly method: Method;
  readonly handle: CallHandler<ServedCall>;
  /** Prepared when the first caller asks for the codec. */
  readonly resolved: Map<string, ResolvedMethod>;
}

/** Finds the handler of a call by the method's full name, and the codec by its own. */
export class Router {
  readonly codecNames: readonly string[];
  readonly #codecs = new Map<string, Codec>();
  readonly #routes = new Map<string, Route>();
  readonly #byMethod = new Map<Method, Route>();
  readonly #services: Service[] = [];

  /** @throws TypeError when there is no codec, or two have one name. */
  constructor(codecs: readonly Codec[]) {
    if (!Array.isArray(codecs) || codecs.length === 0) {
      throw new TypeError("createServer needs at least one codec: `codecs: [cbor()]`");
    }
    for (const codec of codecs) {
      if (typeof codec?.message !== "function") {
        throw new TypeError(`\`codecs\` has something that is no codec: ${String(codec)}; is it cbor without ()?`);
      }
      if (this.#codecs.has(codec.name)) throw new TypeError(`two codecs are called "${codec.name}"`);
      this.#codecs.set(codec.name, codec);
    }
    this.codecNames = [...this.#codecs.keys()];
  }

  get services(): readonly Service[] {
    return this.#services;
  }

  /** @throws TypeError when the service is there already, or its handlers are not exactly its methods. */
  add(
    service: Service,
    handlers: Readonly<Record<string, AnyHandler | undefined>>,
    run: (handler: AnyHandler) => CallHandler<ServedCall>,
  ): void {
    const methods = Object.values(service.methods) as Method[];
    if (this.#services.some((one) => one.name === service.name)) {
      throw new TypeError(`service ${service.name} is registered twice`);
    }
    const missing = methods.filter((method) => !isHandler(handlers, method));
    if (missing.length > 0) {
      throw new TypeError(`service ${service.name} lacks handlers: ${missing.map((one) => one.localName).join(", ")}`);
    }
    const unknown = isPlain(handlers)
      ? Object.keys(handlers).filter((name) => !Object.hasOwn(service.methods, name))
      : [];
    if (unknown.length > 0) {
      throw new TypeError(`service ${service.name} has no methods called ${unknown.join(", ")}`);
    }
    for (const method of methods) {
      const handler = handlers[method.localName] as AnyHandler;
      // Called on their object, so that handlers may be a class's methods.
      const handle = run(typeof handler === "function" ? (handler.bind(handlers) as AnyHandler) : handler);
      const route: Route = { method, handle, resolved: new Map() };
      this.#routes.set(method.fullName, route);
      this.#byMethod.set(method, route);
    }
    this.#services.push(service);
  }

  handlerOf(method: Method): CallHandler<ServedCall> {
    return (this.#byMethod.get(method) as Route).handle;
  }

  resolve(fullName: string, kind: CallKind | undefined, codecName: string): ResolvedMethod | RpcError {
    const route = this.#routes.get(fullName);
    if (route === undefined) return refusal(`there is no method ${fullName} here`);
    if (kind !== undefined && kind !== route.method.kind) {
      return refusal(`${fullName} is ${route.method.kind}, and the caller's contract says ${kind}`);
    }
    const codec = this.#codecs.get(codecName);
    if (codec === undefined) {
      return refusal(`there is no codec "${codecName}" here; this server has ${this.codecNames.join(", ")}`);
    }
    let resolved = route.resolved.get(codecName);
    if (resolved === undefined) {
      try {
        resolved = { method: route.method, codec: methodCodec(codec, route.method) };
      } catch (error) {
        return new RpcError("INTERNAL", `codec "${codecName}" cannot carry ${fullName}`, {
          processed: "no",
          cause: error,
        });
      }
      route.resolved.set(codecName, resolved);
    }
    return resolved;
  }
}

function isHandler(handlers: Readonly<Record<string, AnyHandler | undefined>>, method: Method): boolean {
  const handler = handlers[method.localName];
  // Every object has a `toString`, and that answers nobody's call.
  if (handler === Object.prototype[method.localName as keyof object]) return false;
  return typeof handler === "function" || (streamsResponses(method.kind) && isPush(handler));
}

/** A class's instance has fields of its own, which are nobody's mistake. */
function isPlain(handlers: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(handlers);
  return prototype === Object.prototype || prototype === null;
}

function refusal(message: string): RpcError {
  return new RpcError("UNIMPLEMENTED", message, { processed: "no" });
}
