import { cbor } from "@farcall/codec/cbor";
import {
  type ClientTransport,
  createServer,
  type Handlers,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  type RpcError,
  type Server,
} from "@farcall/core";
import { memory, type MemoryTransport } from "@farcall/transport-memory";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { Shop } from "./shop.ts";

/** Several servers behind one transport, which chooses the first that a call does not avoid, from one on to the next. */
export interface Fleet extends AsyncDisposable {
  readonly transport: ClientTransport;
  readonly servers: readonly Server[];
  /** Breaks the connections of a server, at once. */
  cut(index: number): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly client: ClientTransport;
  readonly server: Server;
  cut(): Promise<void>;
}

export async function fleet(kind: "memory" | "tcp", handlers: readonly Handlers<typeof Shop>[]): Promise<Fleet> {
  const members = await Promise.all(handlers.map((one, i) => (kind === "memory" ? inMemory(one, i) : overTcp(one))));
  let turn = 0;
  return {
    transport: {
      address: "fleet",
      handle(call, responses) {
        const next = [...members.slice(turn % members.length), ...members.slice(0, turn % members.length)];
        turn++;
        const member = next.find(({ name }) => call.avoid?.includes(name) !== true) ?? next[0];
        return ask(member as Member, call, responses);
      },
      close: async () => void (await Promise.all(members.map(({ client }) => client.close()))),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    servers: members.map(({ server }) => server),
    cut: (index) => (members[index] as Member).cut(),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map(({ client }) => client.close()));
      await Promise.all(members.map(({ server }) => server.close({ graceMs: 0 })));
    },
  };
}

/** As a balancer does: the peer of an error is the endpoint by the name that calls avoid it by. */
function ask({ name, client }: Member, call: OutgoingCall, responses: ResponseSink): RequestSink {
  const named = (error: RpcError | undefined): RpcError | undefined => error?.with({ peer: name });
  const inner = client.handle(call, {
    header: (metadata) => responses.header(metadata),
    message: (value) => responses.message(value),
    end: (error, trailers) => responses.end(named(error), trailers),
    ready: () => responses.ready(),
  });
  return {
    message: (value, last) => inner.message(value, last),
    end: () => inner.end(),
    cancel: (error) => inner.cancel(error),
    ready: () => inner.ready(),
    progress: () => ({ ...inner.progress(), peer: name }),
  };
}

async function inMemory(handlers: Handlers<typeof Shop>, index: number): Promise<Member> {
  const link: MemoryTransport = memory();
  const server = createServer({ codecs: [cbor()], onError: () => {} }).add(Shop, handlers);
  await server.listen(link.server);
  return { name: `memory-${index}`, client: link.client, server, cut: async () => link.cut() };
}

async function overTcp(handlers: Handlers<typeof Shop>): Promise<Member> {
  const server = createServer({ codecs: [cbor()], onError: () => {} }).add(Shop, handlers);
  const { address } = await server.listen(tcpServer({ port: 0 }));
  return { name: address, client: tcp(address), server, cut: () => server.close({ graceMs: 0 }) };
}
