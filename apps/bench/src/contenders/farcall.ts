import { type Codec, type createClient, type createServer, serverStream, service, unary } from "@farcall/core";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { z } from "zod";
import type { BenchClient, BenchServer, ServeOptions } from "../contender.ts";

/** The contract as a user would write it: every message is validated at the end that receives it. */
const Order = z.object({
  id: z.string(),
  customer: z.object({ id: z.string(), name: z.string(), email: z.string() }),
  currency: z.string(),
  items: z.array(
    z.object({ sku: z.string(), name: z.string(), quantity: z.number(), price: z.number(), taxed: z.boolean() }),
  ),
  total: z.number(),
});
const Count = { input: z.object({ to: z.int() }), output: z.object({ n: z.int() }), effect: "pure" } as const;
const Bytes = z.instanceof(Uint8Array<ArrayBufferLike>);

const Bench = service("bench.v1.Bench", {
  add: unary({
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ total: z.number() }),
    effect: "pure",
  }),
  order: unary({ input: Order, output: Order, effect: "natural" }),
  count: serverStream(Count),
  countPushed: serverStream(Count),
  echo: unary({ input: Bytes, output: Bytes, effect: "pure" }),
  hold: unary({ input: z.null(), output: z.null(), effect: "pure" }),
});

// Some scenarios go beyond what a server allows by default: 16 MiB a message, 100,000 calls on one connection.
const limits = {
  maxMessageBytes: 32 * 1024 * 1024,
  maxCallsPerConnection: 200_000,
  maxCalls: 200_000,
  maxConnections: 20_000,
};
const heldForMs = 600_000;

export const packages = ["@farcall/core", "@farcall/codec", "@farcall/transport-tcp", "zod"];

/** Serves over TCP. `create` is `createServer` of `@farcall/core` or of `farcall`. */
export async function serve(
  create: typeof createServer,
  codec: Codec,
  { port, reusePort = false }: ServeOptions,
): Promise<BenchServer> {
  const server = create({ codecs: [codec], limits });
  server.add(Bench, {
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
export async function connect(create: typeof createClient, codec: Codec, port: number): Promise<BenchClient> {
  const transport = tcp(`127.0.0.1:${port}`, { limits });
  const bench = create(Bench, { transport, codec });
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
