import { once } from "node:events";
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/websocket";
import { os } from "@orpc/server";
import type { RouterClient } from "@orpc/server";
import { RPCHandler } from "@orpc/server/ws";
import { WebSocket } from "ws";
import { z } from "zod";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import { orderSchema } from "./order-schema.ts";
import { maxPayload, webSocketServer } from "./web-socket-server.ts";

/** oRPC over WebSocket: inputs go through zod, as its documentation shows. */
export const orpc: Contender = {
  name: "orpc",
  packages: ["@orpc/server", "@orpc/client", "ws", "zod"],
  wire: "websocket",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

const router = {
  add: os.input(z.object({ a: z.number(), b: z.number() })).handler(({ input: { a, b } }) => ({ total: a + b })),
  order: os.input(orderSchema).handler(({ input }) => input),
  count: os.input(z.object({ to: z.number() })).handler(async function* ({ input: { to } }) {
    for (let n = 1; n <= to; n++) yield { n };
  }),
  echo: os.input(z.instanceof(Blob)).handler(({ input }) => input),
  hold: os.handler(() => new Promise<never>(() => {})),
};

function serve(options: ServeOptions): Promise<BenchServer> {
  const { sockets, start } = webSocketServer(options);
  const handler = new RPCHandler(router);
  sockets.on("connection", (socket) => void handler.upgrade(socket));
  return start();
}

async function connect(port: number): Promise<BenchClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload, perMessageDeflate: false });
  await once(socket, "open");
  const link = new RPCLink({ websocket: socket as unknown as globalThis.WebSocket });
  const bench: RouterClient<typeof router> = createORPCClient(link);
  return {
    add: async (a, b) => (await bench.add({ a, b })).total,
    order: (order) => bench.order(order),
    async iterate(to) {
      let seen = 0;
      for await (const { n } of await bench.count({ to })) {
        if (n === seen + 1) seen = n;
      }
      return seen;
    },
    async *stream(to) {
      yield* await bench.count({ to });
    },
    echo: async (bytes) => new Uint8Array(await (await bench.echo(new Blob([bytes]))).arrayBuffer()),
    hold: () => bench.hold(),
    async close() {
      socket.terminate();
    },
  };
}
