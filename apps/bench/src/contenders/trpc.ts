import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket } from "ws";
import { z } from "zod";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import { orderSchema } from "./order-schema.ts";
import { webSocketServer } from "./web-socket-server.ts";

/** tRPC over WebSocket, its fastest link: inputs go through zod, as its documentation shows. */
export const trpc: Contender = {
  name: "trpc",
  packages: ["@trpc/server", "@trpc/client", "ws", "zod"],
  wire: "websocket",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

const t = initTRPC.create();

const router = t.router({
  add: t.procedure.input(z.object({ a: z.number(), b: z.number() })).query(({ input: { a, b } }) => ({ total: a + b })),
  order: t.procedure.input(orderSchema).mutation(({ input }) => input),
  count: t.procedure.input(z.object({ to: z.number() })).subscription(async function* ({ input: { to } }) {
    for (let n = 1; n <= to; n++) yield { n };
  }),
  // JSON has no bytes: base64.
  echo: t.procedure.input(z.string()).mutation(({ input }) => input),
  hold: t.procedure.mutation(() => new Promise<never>(() => {})),
});

function serve(options: ServeOptions): Promise<BenchServer> {
  const { sockets, start } = webSocketServer(options);
  applyWSSHandler({ wss: sockets, router });
  return start();
}

async function connect(port: number): Promise<BenchClient> {
  const { promise: open, resolve: onOpen } = Promise.withResolvers<void>();
  const client = createWSClient({
    url: `ws://127.0.0.1:${port}`,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    onOpen,
  });
  await open;
  const bench = createTRPCClient<typeof router>({ links: [wsLink({ client })] });
  return {
    add: async (a, b) => (await bench.add.query({ a, b })).total,
    order: (order) => bench.order.mutate(order),
    push: (to) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        bench.count.subscribe(
          { to },
          {
            onData({ n }) {
              if (n === seen + 1) seen = n;
            },
            onError: reject,
            onComplete: () => resolve(seen),
          },
        );
      }),
    echo: async (bytes) => Buffer.from(await bench.echo.mutate(Buffer.from(bytes).toString("base64")), "base64"),
    hold: () => bench.hold.mutate(),
    async close() {
      const socket = client.connection?.ws;
      const closed = client.close();
      // It would wait for the calls that are held.
      socket?.close();
      await closed;
    },
  };
}
