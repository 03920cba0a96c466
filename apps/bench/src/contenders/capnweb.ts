import { once } from "node:events";
import { newWebSocketRpcSession, RpcTarget } from "capnweb";
import { WebSocket } from "ws";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { maxPayload, webSocketServer } from "./web-socket-server.ts";

/** Cap'n Web over WebSocket. It has no schemas and validates nothing. */
export const capnweb: Contender = {
  name: "capnweb",
  packages: ["capnweb", "ws"],
  wire: "websocket",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

class Bench extends RpcTarget {
  add({ a, b }: { a: number; b: number }): { total: number } {
    return { total: a + b };
  }

  order(order: Order): Order {
    return order;
  }

  count({ to }: { to: number }): ReadableStream<{ n: number }> {
    let n = 0;
    return new ReadableStream({
      pull(controller) {
        if (n === to) controller.close();
        else controller.enqueue({ n: ++n });
      },
    });
  }

  echo(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  hold(): Promise<never> {
    return new Promise(() => {});
  }
}

const limits = { maxMessageSize: maxPayload };

function serve(options: ServeOptions): Promise<BenchServer> {
  const { sockets, start } = webSocketServer(options);
  sockets.on("connection", (socket) => {
    newWebSocketRpcSession(socket as unknown as globalThis.WebSocket, new Bench(), { limits });
  });
  return start();
}

async function connect(port: number): Promise<BenchClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload, perMessageDeflate: false });
  await once(socket, "open");
  const bench = newWebSocketRpcSession<Bench>(socket as unknown as globalThis.WebSocket, undefined, { limits });
  return {
    add: async (a, b) => (await bench.add({ a, b })).total,
    order: async (order) => await bench.order(order),
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
    echo: async (bytes) => await bench.echo(bytes),
    hold: () => bench.hold(),
    async close() {
      bench[Symbol.dispose]();
      socket.terminate();
    },
  };
}
