import { once } from "node:events";
import type { AddressInfo } from "node:net";
import WebSocket, { WebSocketServer } from "ws";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";

/** What many write by hand instead of taking a library: `ws`, JSON, and a map of ids. */
export const wsJson: Contender = {
  name: "ws-json",
  packages: ["ws"],
  wire: "websocket",
  codec: "json",
  serve,
  connect,
};

interface Request {
  id: number;
  method: string;
  input: unknown;
}

async function serve({ port }: ServeOptions): Promise<BenchServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port, maxPayload: 64 * 1024 * 1024 });
  await once(server, "listening");
  server.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const { id, method, input } = JSON.parse(data.toString()) as Request;
      switch (method) {
        case "add": {
          const { a, b } = input as { a: number; b: number };
          return socket.send(JSON.stringify({ id, output: { total: a + b } }));
        }
        case "order":
          return socket.send(JSON.stringify({ id, output: input }));
        case "count": {
          for (let n = 1; n <= (input as { to: number }).to; n++) socket.send(JSON.stringify({ id, item: { n } }));
          return socket.send(JSON.stringify({ id, output: null }));
        }
        case "echo":
          return socket.send(JSON.stringify({ id, output: input }));
      }
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
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload: 64 * 1024 * 1024 });
  await once(socket, "open");
  let nextId = 0;
  const waiting = new Map<number, { resolve(output: never): void; item?: (item: { n: number }) => void }>();
  socket.on("message", (data: Buffer) => {
    const { id, output, item } = JSON.parse(data.toString()) as { id: number; output: never; item?: { n: number } };
    const one = waiting.get(id);
    if (item !== undefined) return one?.item?.(item);
    waiting.delete(id);
    one?.resolve(output);
  });
  const call = <O>(method: string, input: unknown, item?: (item: { n: number }) => void): Promise<O> =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, { resolve, ...(item && { item }) });
      socket.send(JSON.stringify({ id, method, input }));
    });
  return {
    add: async (a, b) => (await call<{ total: number }>("add", { a, b })).total,
    order: (order) => call<Order>("order", order),
    async push(count) {
      let seen = 0;
      await call("count", { to: count }, ({ n }) => {
        if (n === seen + 1) seen = n;
      });
      return seen;
    },
    async echo(bytes) {
      const answer = await call<string>("echo", Buffer.from(bytes).toString("base64"));
      return Buffer.from(answer, "base64");
    },
    hold: () => call("hold", undefined),
    async close() {
      socket.terminate();
    },
  };
}
