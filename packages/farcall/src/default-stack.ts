import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import {
  type Client,
  type ClientOptions as CoreClientOptions,
  type Codec,
  createClient as createCoreClient,
  createServer as createCoreServer,
  type Server,
  type ServerOptions as CoreServerOptions,
  type Service,
} from "@farcall/core";
import { ambientContext, currentContext } from "./ambient.ts";

/** As in `@farcall/core`, with a default codec. */
export interface ClientOptions extends Omit<CoreClientOptions, "codec"> {
  /** Default `cbor()`. */
  readonly codec?: Codec;
}

/** As in `@farcall/core`, with default codecs. */
export interface ServerOptions<P = unknown> extends Omit<CoreServerOptions<P>, "codecs"> {
  /** Default `cbor()` and `json()`. */
  readonly codecs?: readonly Codec[];
}

/**
 * `createClient` of `@farcall/core` with the default stack: CBOR, and calls made inside a handler end with the handler's
 * own call and have at most its time (see `detach`).
 */
export function createClient<S extends Service>(service: S, options: ClientOptions): Client<S> {
  return createCoreClient(service, { ambient: currentContext, ...options, codec: options?.codec ?? cbor() });
}

/** `createServer` of `@farcall/core` with the default stack: CBOR and JSON, and handlers whose calls know their context. */
export function createServer<P = unknown>(options: ServerOptions<P> = {}): Server<P> {
  return createCoreServer({
    ...options,
    codecs: options.codecs ?? [cbor(), json()],
    use: [ambientContext(), ...(options.use ?? [])],
  });
}
