import { type EndpointList, readEndpoints } from "./endpoint.ts";

/** What a resolver is given. */
export interface ResolveContext {
  /** Aborts when nobody wants to know any more. */
  readonly signal: AbortSignal;
  /**
   * Waits for `ms`, or until somebody wants a fresh list because an endpoint failed, but then no less than `atLeastMs`
   * (default 0). Rejects when `signal` aborts.
   */
  pause(ms: number, atLeastMs?: number): Promise<void>;
}

/**
 * Finds endpoints: an async generator function, for example. Each list replaces the one before. It may throw at any time:
 * the last good list stays, and it is called again after a while.
 */
export interface Resolver {
  (context: ResolveContext): AsyncIterable<EndpointList>;
  /** For people and logs: `dns:orders.internal:7001`. */
  readonly target?: string;
}

/** The forms in which a resolver may be given. */
export type ResolverLike = Resolver | AsyncIterable<EndpointList> | EndpointList;

/** @throws TypeError when it is none of the forms, or a list with something in it that is no endpoint. */
export function asResolver(given: ResolverLike): Resolver {
  if (typeof given === "function") return given;
  if (Array.isArray(given)) return fixed(given as EndpointList);
  if (typeof given === "object" && given !== null && Symbol.asyncIterator in given) return () => given;
  throw new TypeError(
    `\`resolver\` must be a list of endpoints, dns(), etcd(), or a function that returns an AsyncIterable of lists`,
  );
}

function fixed(given: EndpointList): Resolver {
  // What is wrong with it is wrong for good, so it is known at once.
  const list = readEndpoints(given);
  const names = list.slice(0, 3).map((one) => one.address);
  const target = `${names.join(",")}${list.length > 3 ? ",…" : ""}`;
  return Object.assign(
    async function* () {
      yield list;
    },
    { target },
  );
}
