import type { FailureType } from "./failure.ts";
import { InvalidMessage } from "./invalid-message.ts";
import type { Schema } from "./schema.ts";

/** The four kinds of call. */
export type CallKind = "unary" | "serverStream" | "clientStream" | "bidiStream";

/**
 * What repeating a call does, said once, where the method is described. Retry, hedging, keys and replay follow from it.
 *
 * - `pure`: reads. Retry and hedge freely.
 * - `natural`: repeating changes nothing (set to a value, delete by id).
 * - `keyed`: needs an idempotency key; the effect happens once per key.
 * - `at-most-once`: carries a key too, starts once, and an unclear end is reported as in doubt.
 * - `unsafe`: the default. Sent again only when it provably never reached a handler.
 */
export type Effect = "pure" | "natural" | "keyed" | "at-most-once" | "unsafe";

/** What a method is described by. */
export interface MethodOptions<I extends Schema = Schema, O extends Schema = Schema> {
  /** Each request message. */
  readonly input: I;
  /** Each response message. */
  readonly output: O;
  /** Default `unsafe`. */
  readonly effect?: Effect;
  /** The typed errors that may cross to the caller; see `failure()`. */
  readonly errors?: readonly FailureType[];
  /** The name on the wire, when it is not the property's name. */
  readonly name?: string;
  /** One or two sentences for people; shown by tools. */
  readonly doc?: string;
}

/** A method before its service gives it a name: what `unary()` and its siblings return. */
export interface MethodShape<
  K extends CallKind = CallKind,
  I extends Schema = Schema,
  O extends Schema = Schema,
> extends MethodOptions<I, O> {
  readonly kind: K;
}

/** A method as everything else sees it. */
export interface Method<K extends CallKind = CallKind, I extends Schema = Schema, O extends Schema = Schema> {
  readonly kind: K;
  /** The identity on every wire: `calculator.v1.Calculator/add`. */
  readonly fullName: string;
  readonly service: string;
  /** The name of the stub's and the handler's property. */
  readonly localName: string;
  readonly input: I;
  readonly output: O;
  readonly effect: Effect;
  /** Those that the contract declares, and `InvalidMessage`. */
  readonly errors: readonly FailureType[];
  readonly doc: string | undefined;
}

/** The methods of a service, by the name of the stub's property. */
export type MethodShapes = Readonly<Record<string, MethodShape>>;

/** A contract: shared by client and server, made of descriptions alone. */
export interface Service<M extends MethodShapes = MethodShapes> {
  readonly name: string;
  readonly methods: { readonly [K in keyof M]: Method<M[K]["kind"], M[K]["input"], M[K]["output"]> };
}

/** One request, one response. */
export function unary<I extends Schema, O extends Schema>(options: MethodOptions<I, O>): MethodShape<"unary", I, O> {
  return { ...options, kind: "unary" };
}

/** One request, a stream of responses. */
export function serverStream<I extends Schema, O extends Schema>(
  options: MethodOptions<I, O>,
): MethodShape<"serverStream", I, O> {
  return { ...options, kind: "serverStream" };
}

/** A stream of requests, one response. */
export function clientStream<I extends Schema, O extends Schema>(
  options: MethodOptions<I, O>,
): MethodShape<"clientStream", I, O> {
  return { ...options, kind: "clientStream" };
}

/** A stream each way, independent of one another. */
export function bidiStream<I extends Schema, O extends Schema>(
  options: MethodOptions<I, O>,
): MethodShape<"bidiStream", I, O> {
  return { ...options, kind: "bidiStream" };
}

const servicePattern = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;
const methodPattern = /^[A-Za-z_]\w*$/;
const effects: ReadonlySet<string> = new Set(["pure", "natural", "keyed", "at-most-once", "unsafe"]);

/**
 * Describes a service.
 *
 * @param name Dotted, with a version, the same at both ends for ever: `calculator.v1.Calculator`.
 * @throws TypeError that names the service and method when a name or option is not usable.
 */
export function service<const M extends MethodShapes>(name: string, methods: M): Service<M> {
  if (!servicePattern.test(name)) throw new TypeError(`"${name}" is not a service name; use the form "shop.v1.Orders"`);
  const described: Record<string, Method> = {};
  const taken = new Set<string>();
  for (const [localName, shape] of Object.entries(methods)) {
    const method = describe(name, localName, shape);
    if (taken.has(method.fullName)) throw new TypeError(`${name} has two methods named "${method.fullName}"`);
    taken.add(method.fullName);
    described[localName] = method;
  }
  return { name, methods: described as Service<M>["methods"] };
}

function describe(serviceName: string, localName: string, shape: MethodShape): Method {
  const wireName = shape.name ?? localName;
  const fullName = `${serviceName}/${wireName}`;
  // A stub is an object that people may await or return from async functions by mistake.
  if (localName === "then" || localName === "__proto__") {
    throw new TypeError(`${serviceName}: a method cannot be called "${localName}"; give it a wire \`name\``);
  }
  if (!methodPattern.test(wireName)) throw new TypeError(`${serviceName}: "${wireName}" is not a method name`);
  if (shape.effect !== undefined && !effects.has(shape.effect)) {
    throw new TypeError(`${fullName}: "${shape.effect}" is not an effect; one of ${[...effects].join(", ")} is`);
  }
  for (const side of ["input", "output"] as const) {
    if (typeof shape[side]?.["~standard"]?.validate !== "function") {
      throw new TypeError(`${fullName}: \`${side}\` must be a Standard Schema, for example of zod, or type<T>()`);
    }
  }
  return {
    kind: shape.kind,
    fullName,
    service: serviceName,
    localName,
    input: shape.input,
    output: shape.output,
    effect: shape.effect ?? "unsafe",
    errors: [...(shape.errors ?? []), InvalidMessage],
    doc: shape.doc,
  };
}

/** Does the client send a stream of messages in this kind of call? */
export function streamsRequests(kind: CallKind): boolean {
  return kind === "clientStream" || kind === "bidiStream";
}

/** Does the server send a stream of messages in this kind of call? */
export function streamsResponses(kind: CallKind): boolean {
  return kind === "serverStream" || kind === "bidiStream";
}
