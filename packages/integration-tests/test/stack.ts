import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { msgpack } from "@farcall/codec/msgpack";
import {
  type Client,
  type ClientOptions,
  type ClientTransport,
  type Codec,
  createClient,
  createServer,
  type Handlers,
  type Limits,
  type RpcError,
  type Server,
  type ServerOptions,
  type Service,
} from "@farcall/core";
import { type Link, links } from "./links.ts";

export const codecs: readonly Codec[] = [json(), cbor(), msgpack()];

/** A transport and a codec. */
export interface Stack {
  readonly link: Link;
  readonly codec: Codec;
}

/** Every transport with every codec, for `describe.each`. */
export const stacks: readonly [string, Stack][] = links.flatMap((link) =>
  codecs.map((codec): [string, Stack] => [`${link.name} × ${codec.name}`, { link, codec }]),
);

export interface Running<S extends Service> extends AsyncDisposable {
  readonly client: Client<S>;
  readonly server: Server;
  readonly transport: ClientTransport;
  readonly address: string;
  /** What the server's `onError` heard. */
  readonly errors: RpcError[];
  /** A client of another contract over the same transport. */
  clientOf<T extends Service>(service: T, options?: Partial<ClientOptions>): Client<T>;
}

export interface RunOptions {
  readonly server?: Partial<ServerOptions>;
  readonly client?: Partial<ClientOptions>;
  readonly limits?: Partial<Limits>;
}

/** A server with these handlers, and a client of it. */
export async function run<S extends Service>(
  { link, codec }: Stack,
  service: S,
  handlers: Handlers<S>,
  options: RunOptions = {},
): Promise<Running<S>> {
  const pair = link.create(options.limits);
  const errors: RpcError[] = [];
  const server = createServer({ codecs, onError: (error) => errors.push(error), ...options.server });
  server.add(service, handlers);
  const { address } = await server.listen(pair.server(undefined));
  const transport = pair.client(address);
  const clientOf = <T extends Service>(other: T, more: Partial<ClientOptions> = {}): Client<T> =>
    createClient(other, { transport, codec, ...options.client, ...more });
  return {
    client: clientOf(service),
    server,
    transport,
    address,
    errors,
    clientOf,
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.close({ graceMs: 0 });
      await pair.end?.();
    },
  };
}
