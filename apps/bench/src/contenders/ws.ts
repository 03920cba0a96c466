import { once } from "node:events";
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";

/** The limit for one WebSocket message per call: `ws` sends back the bytes that come, and replies are known by their order. */
export const ws: Contender = {
  name: "ws",
  packages: ["ws"],
  wire: "websocket",
  codec: "raw",
  serve,
  connect,
};

const maxPayload = 64 * 1024 * 1024;
/** The first byte of a message says what the server does with it. */
const purpose = { echo: 1, count: 2, hold: 3 } as const;

async function serve({ port }: ServeOptions): Promise<BenchServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port, maxPayload });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (message: Buffer) => {
      if (message[0] === purpose.echo) return socket.send(message);
      if (message[0] !== purpose.count) return;
      const count = message.readUInt32LE(1);
      for (let n = 1; n <= count; n++) socket.send(numbers(purpose.count, n));
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

async function connect(port: number): Promise<BenchClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload });
  await once(socket, "open");
  socket.on("error", () => {});
  const encoded = new Map<Order, Buffer>();
  const held: unknown[] = [];
  let waiting: ((reply: Buffer) => void)[] = [];
  let next = 0;
  let item = (_n: number): void => {};
  socket.on("message", (message: Buffer) => {
    if (message[0] === purpose.count) return item(message.readUInt32LE(1));
    waiting[next++]?.(message);
    if (next < 1_024) return;
    waiting = waiting.slice(next);
    next = 0;
  });
  const call = (message: Uint8Array): Promise<Buffer> =>
    new Promise((resolve) => {
      waiting.push(resolve);
      socket.send(message);
    });

  return {
    async add(a, b) {
      const reply = await call(numbers(purpose.echo, a, b));
      return reply.readUInt32LE(1) + reply.readUInt32LE(5);
    },
    async order(order) {
      let bytes = encoded.get(order);
      if (bytes === undefined) encoded.set(order, (bytes = Buffer.from(`\x01${JSON.stringify(order)}`)));
      if ((await call(bytes)).equals(bytes)) return order;
      throw new Error("other bytes came back");
    },
    push: (count) =>
      new Promise((resolve) => {
        let seen = 0;
        item = (n) => {
          if (n === seen + 1) seen++;
          if (seen === count) resolve(seen);
        };
        socket.send(numbers(purpose.count, count));
      }),
    async echo(bytes) {
      return (await call(Buffer.concat([Uint8Array.of(purpose.echo), bytes]))).subarray(1);
    },
    hold() {
      socket.send(numbers(purpose.hold, 0));
      return new Promise((resolve) => held.push(resolve));
    },
    async close() {
      socket.terminate();
    },
  };
}

function numbers(first: number, a: number, b?: number): Buffer {
  const message = Buffer.allocUnsafe(b === undefined ? 5 : 9);
  message[0] = first;
  message.writeUInt32LE(a, 1);
  if (b !== undefined) message.writeUInt32LE(b, 5);
  return message;
}
