import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import {
  type Client,
  type ClientInterceptor,
  type ClientOptions as CoreClientOptions,
  type Codec,
  createClient as createCoreClient,
  createServer as createCoreServer,
  type InterceptorList,
  type Server,
  type ServerOptions as CoreServerOptions,
  type Service,
} from "@farcall/core";
import { retry, type RetryOptions } from "@farcall/retry-policy";
import { ambientContext, currentContext } from "./ambient.ts";

/** As in `@farcall/core`, with a default codec and retries. */
export interface ClientOptions extends Omit<CoreClientOptions, "codec"> {
  /** Default `cbor()`. */
  readonly codec?: Codec;
  /**
   * How calls are tried again: options of `retry()`. Default: its defaults. `false`: nothing is ever sent twice. Of no
   * effect when `use` has an interceptor of stage `retry`.
   */
  readonly retry?: RetryOptions | false;
}

/** As in `@farcall/core`, with default codecs. */
export interface ServerOptions<P = unknown> extends Omit<CoreServerOptions<P>, "codecs"> {
  /** Default `cbor()` and `json()`. */
  readonly codecs?: readonly Codec[];
}

/**
 * `createClient` of `@farcall/core` with the default stack: CBOR, retries by the methods' effects, and calls made inside a
 * handler end with the handler's own call and have at most its time (see `detach`).
 *
 * @throws TypeError or RangeError that names the option when one is missing or unusable.
 */
export function createClient<S extends Service>(service: S, options: ClientOptions): Client<S> {
  const { retry: retries = {}, ...rest } = options ?? {};
  if (retries !== false && (typeof retries !== "object" || retries === null || Array.isArray(retries))) {
    throw new TypeError("`retry` must be an object, the options of retry(), or false");
  }
  if (rest.use !== undefined && !Array.isArray(rest.use)) {
    throw new TypeError("`use` must be a list of interceptors");
  }
  const use: InterceptorList<ClientInterceptor> =
    retries === false || retriesAlready(rest.use)
      ? (rest.use ?? [])
      : [retry({ ambient: currentContext, ...retries }), ...(rest.use ?? [])];
  return createCoreClient(service, { ambient: currentContext, ...rest, use, codec: rest.codec ?? cbor() });
}

function retriesAlready(use: ClientOptions["use"]): boolean {
  const all = (use ?? []).flat(Infinity as 1) as readonly (ClientInterceptor | undefined)[];
  return all.some((one) => one?.stage === "retry");
}

/** `createServer` of `@farcall/core` with the default stack: CBOR and JSON, and handlers whose calls know their context. */
export function createServer<P = unknown>(options: ServerOptions<P> = {}): Server<P> {
  return createCoreServer({
    ...options,
    codecs: options.codecs ?? [cbor(), json()],
    use: [ambientContext(), ...(options.use ?? [])],
  });
}
