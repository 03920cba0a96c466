import { once } from "node:events";
import { createBirpc } from "birpc";
import { WebSocket } from "ws";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { maxPayload, webSocketServer } from "./web-socket-server.ts";

/** birpc over WebSocket with JSON, as in its README. It validates nothing. */
export const birpc: Contender = {
  name: "birpc",
  packages: ["birpc", "ws"],
  wire: "websocket",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

interface ServerFunctions {
  add(input: { a: number; b: number }): { total: number };
  order(order: Order): Order;
  count(input: { to: number; stream: number }): Promise<void>;
  echo(base64: string): string;
  hold(): Promise<never>;
}

interface ClientFunctions {
  item(stream: number, item: { n: number }): void;
}

function serve(options: ServeOptions): Promise<BenchServer> {
  const { sockets, start } = webSocketServer(options);
  sockets.on("connection", (socket) => {
    const client = createBirpc<ClientFunctions, ServerFunctions>(
      {
        add: ({ a, b }) => ({ total: a + b }),
        order: (order) => order,
        // It has no streams, but calls that want no answer, which come in order.
        async count({ to, stream }) {
          for (let n = 1; n <= to; n++) await client.item.asEvent(stream, { n });
        },
        echo: (base64) => base64,
        hold: () => new Promise(() => {}),
      },
      channel(socket),
    );
  });
  return start();
}

async function connect(port: number): Promise<BenchClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload, perMessageDeflate: false });
  await once(socket, "open");
  const streams: number[] = [];
  const server = createBirpc<ServerFunctions, ClientFunctions>(
    {
      item(stream, { n }) {
        if (n === streams[stream]! + 1) streams[stream] = n;
      },
    },
    channel(socket),
  );
  return {
    add: async (a, b) => (await server.add({ a, b })).total,
    order: (order) => server.order(order),
    async push(to) {
      const stream = streams.push(0) - 1;
      await server.count({ to, stream });
      return streams[stream]!;
    },
    echo: async (bytes) => Buffer.from(await server.echo(Buffer.from(bytes).toString("base64")), "base64"),
    hold: () => server.hold(),
    async close() {
      server.$close();
      socket.terminate();
    },
  };
}

function channel(socket: WebSocket) {
  return {
    post: (data: string) => socket.send(data),
    on: (receive: (data: Buffer) => void) => void socket.on("message", receive),
    serialize: (value: unknown) => JSON.stringify(value),
    deserialize: (data: Buffer) => JSON.parse(data.toString()) as unknown,
    // None: by default each call starts a timer of a minute.
    timeout: -1,
  };
}
