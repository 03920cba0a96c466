import { createServer } from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { listen } from "./listen.ts";
import { maxPayload } from "./web-socket-server.ts";

/** Socket.IO: events with an acknowledgement, over WebSocket from the start. It validates nothing. */
export const socketIo: Contender = {
  name: "socket-io",
  packages: ["socket.io", "socket.io-client", "ws"],
  wire: "websocket",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

async function serve(options: ServeOptions): Promise<BenchServer> {
  const http = createServer();
  const server = new Server(http, { transports: ["websocket"], maxHttpBufferSize: maxPayload, serveClient: false });
  server.on("connection", (socket) => {
    socket.on("add", ({ a, b }: { a: number; b: number }, done: (output: { total: number }) => void) =>
      done({ total: a + b }),
    );
    socket.on("order", (order: Order, done: (output: Order) => void) => done(order));
    // It has no streams of its own, but events, which come in order: each call names its own.
    socket.on("count", ({ to, event }: { to: number; event: string }, done: () => void) => {
      for (let n = 1; n <= to; n++) socket.emit(event, { n });
      done();
    });
    socket.on("echo", (bytes: Buffer, done: (output: Buffer) => void) => done(bytes));
    socket.on("hold", () => {});
  });
  return {
    port: await listen(http, options),
    async close() {
      await server.close();
    },
  };
}

async function connect(port: number): Promise<BenchClient> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], forceNew: true, reconnection: false });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  let streams = 0;
  return {
    add: async (a, b) => ((await socket.emitWithAck("add", { a, b })) as { total: number }).total,
    order: (order) => socket.emitWithAck("order", order) as Promise<Order>,
    async push(to) {
      const event = `count ${streams++}`;
      let seen = 0;
      socket.on(event, ({ n }: { n: number }) => {
        if (n === seen + 1) seen = n;
      });
      await socket.emitWithAck("count", { to, event });
      socket.off(event);
      return seen;
    },
    echo: (bytes) => socket.emitWithAck("echo", bytes) as Promise<Buffer>,
    hold: () => socket.emitWithAck("hold"),
    async close() {
      socket.disconnect();
    },
  };
}
