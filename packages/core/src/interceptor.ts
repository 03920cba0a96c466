import type { CallContext } from "./call-context.ts";
import type { Call, CallHandler, IncomingCall, OutgoingCall } from "./transport.ts";

/** A client's stages, from the caller to the network. */
export const clientStages = ["trace", "deadline", "key", "retry", "attempt", "balance"] as const;
export type ClientStage = (typeof clientStages)[number];

/** A server's stages, from the network to the handler. Requests are validated between `auth` and `once`. */
export const serverStages = ["trace", "deadline", "auth", "once", "handler"] as const;
export type ServerStage = (typeof serverStages)[number];

/**
 * Something that every call passes through. It names its stage, and core sorts by it, so that whoever lists
 * interceptors need not think of their order; within a stage the order is the list's.
 *
 * `wrap` is called once per client or server and returns a handler that does its part and calls `next`; the rules are
 * those of `CallHandler`. Most need no more than `clientInterceptor` or `serverInterceptor`.
 */
export interface Interceptor<C extends Call, S extends string> {
  /** For error messages and tools. */
  readonly name: string;
  readonly stage: S;
  wrap(next: CallHandler<C>): CallHandler<C>;
}

export type ClientInterceptor = Interceptor<OutgoingCall, ClientStage>;

/**
 * A call as a server's interceptors see it: what arrived, and the context that its handler will have. It is one object,
 * and interceptors pass on that very object: a copy of it is not the call.
 */
export type ServedCall = IncomingCall & CallContext;

export type ServerInterceptor = Interceptor<ServedCall, ServerStage>;

/** One, or several that belong together, as a package may export them. */
export type InterceptorList<I> = readonly (I | InterceptorList<I>)[];

/**
 * The interceptors in order of stage, outermost first.
 * @throws TypeError that names an interceptor whose stage does not exist on this side.
 */
export function sortByStage<I extends { readonly name: string; readonly stage: string }>(
  list: InterceptorList<I>,
  stages: readonly string[],
): I[] {
  const flat = (list as readonly unknown[]).flat(Infinity) as I[];
  for (const one of flat) {
    if (!stages.includes(one.stage)) {
      throw new TypeError(`interceptor "${one.name}" names stage "${one.stage}"; there are ${stages.join(", ")}`);
    }
  }
  return flat.toSorted((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage));
}

/** `handler` with the interceptors around it, the first one outermost. */
export function compose<C extends Call>(
  interceptors: readonly Interceptor<C, string>[],
  handler: CallHandler<C>,
): CallHandler<C> {
  return interceptors.reduceRight((next, interceptor) => interceptor.wrap(next), handler);
}
