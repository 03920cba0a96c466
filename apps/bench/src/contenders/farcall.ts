import {
  type Codec,
  type createClient,
  type createServer,
  type Schema,
  serverStream,
  service,
  unary,
} from "@farcall/core";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import type { BenchClient, BenchServer, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";

/** What each message is validated with, at the end that receives it. */
export interface BenchSchemas {
  readonly pair: Schema<{ a: number; b: number }>;
  readonly total: Schema<{ total: number }>;
  readonly order: Schema<Order>;
  readonly to: Schema<{ to: number }>;
  readonly n: Schema<{ n: number }>;
  readonly bytes: Schema<Uint8Array>;
  readonly nothing: Schema<null>;
}

/** The contract as a user would write it. */
export function benchContract({ pair, total, order, to, n, bytes, nothing }: BenchSchemas) {
  const count = { input: to, output: n, effect: "pure" } as const;
  return service("bench.v1.Bench", {
    add: unary({ input: pair, output: total, effect: "pure" }),
    order: unary({ input: order, output: order, effect: "natural" }),
    count: serverStream(count),
    countPushed: serverStream(count),
    echo: unary({ input: bytes, output: bytes, effect: "pure" }),
    hold: unary({ input: nothing, output: nothing, effect: "pure" }),
  });
}

type BenchContract = ReturnType<typeof benchContract>;

// Some scenarios go beyond what a server allows by default: 16 MiB a message, 100,000 calls on one connection.
const limits = {
  maxMessageBytes: 32 * 1024 * 1024,
  maxCallsPerConnection: 200_000,
  maxCalls: 200_000,
  maxConnections: 20_000,
};
const heldForMs = 600_000;

export const packages = ["@farcall/core", "@farcall/codec", "@farcall/transport-tcp"];

/** Serves over TCP. `create` is `createServer` of `@farcall/core` or of `farcall`. */
export async function serve(
  create: typeof createServer,
  contract: BenchContract,
  codec: Codec,
  { port, reusePort = false }: ServeOptions,
): Promise<BenchServer> {
  const server = create({ codecs: [codec], limits });
  server.add(contract, {
    add: ({ a, b }) => ({ total: a + b }),
    order: (order) => order,
    async *count({ to }) {
      for (let n = 1; n <= to; n++) yield { n };
    },
    countPushed: {
      async push({ to }, out) {
        for (let n = 1; n <= to; n++) if (!out.send({ n })) await out.ready();
      },
    },
    echo: (bytes) => bytes,
    hold: () => new Promise(() => {}),
  });
  const { address } = await server.listen(tcpServer({ port, reusePort }));
  return {
    port: Number(address.split(":").at(-1)),
    close: () => server.close({ graceMs: 0 }),
  };
}

/** Connects over TCP. `create` is `createClient` of `@farcall/core` or of `farcall`. */
export async function connect(
  create: typeof createClient,
  contract: BenchContract,
  codec: Codec,
  port: number,
): Promise<BenchClient> {
  const transport = tcp(`127.0.0.1:${port}`, { limits });
  const bench = create(contract, { transport, codec });
  await bench.add({ a: 0, b: 0 }); // it connects with the first call
  return {
    add: async (a, b) => (await bench.add({ a, b })).total,
    order: (order) => bench.order(order),
    async iterate(count) {
      let seen = 0;
      for await (const { n } of bench.count({ to: count })) if (n === seen + 1) seen = n;
      return seen;
    },
    async push(count) {
      let seen = 0;
      await bench.countPushed({ to: count }).forEach(({ n }) => {
        if (n === seen + 1) seen = n;
      });
      return seen;
    },
    stream: (count) => bench.count({ to: count }),
    echo: (bytes) => bench.echo(bytes),
    hold: () => bench.hold(null, { timeoutMs: heldForMs }),
    close: () => transport.close(),
  };
}
