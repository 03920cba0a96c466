import {
  bidiStream,
  type Client,
  type ClientInterceptor,
  type ClientOptions,
  clientStream,
  createClient,
  createServer,
  type ErrorSource,
  type Handlers,
  type RpcError,
  type Server,
  type ServerOptions,
  serverStream,
  service,
  type,
  unary,
} from "../src/index.ts";
import { type Direct, direct, textCodec } from "./direct.ts";
import { collect } from "./waits.ts";

/** One method of each kind. */
export const Echo = service("test.v1.Echo", {
  say: unary({ input: type<string>(), output: type<string>() }),
  list: serverStream({ input: type<number>(), output: type<number>() }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  talk: bidiStream({ input: type<string>(), output: type<string>() }),
});

export const echoHandlers: Handlers<typeof Echo> = {
  say: (text) => `re: ${text}`,
  async *list(n) {
    for (let i = 1; i <= n; i++) yield i;
  },
  async sum(requests) {
    let sum = 0;
    for await (const one of requests) sum += one;
    return sum;
  },
  async *talk(requests) {
    for await (const one of requests) yield `re: ${one}`;
  },
};

export interface Pair {
  readonly client: Client<typeof Echo>;
  readonly server: Server;
  readonly link: Direct;
  /** What `onError` heard. */
  readonly errors: { error: RpcError; source: ErrorSource }[];
}

export interface PairOptions {
  readonly handlers?: Partial<Handlers<typeof Echo>>;
  readonly server?: Partial<ServerOptions>;
  readonly client?: Partial<ClientOptions>;
  readonly use?: ClientInterceptor[];
}

/** A client and a server of `Echo`, directly connected. */
export async function pair(options: PairOptions = {}): Promise<Pair> {
  const link = direct();
  const errors: Pair["errors"] = [];
  const server = createServer({
    codecs: [textCodec()],
    onError: (error, source) => errors.push({ error, source }),
    ...options.server,
  });
  server.add(Echo, { ...echoHandlers, ...options.handlers });
  await server.listen(link.server);
  const client = createClient(Echo, {
    transport: link.client,
    codec: textCodec(),
    use: options.use ?? [],
    ...options.client,
  });
  return { client, server, link, errors };
}

/** A call of each kind, to its end. */
export const kinds: Record<keyof typeof Echo.methods, (client: Client<typeof Echo>) => Promise<unknown>> = {
  say: (client) => client.say("a"),
  list: async (client) => collect(client.list(2)),
  sum: (client) => client.sum([1, 2]),
  talk: async (client) => collect(client.talk(["a", "b"])),
};

export const kindNames = Object.keys(kinds) as (keyof typeof kinds)[];
