import { createChannel, createClient, createServer } from "nice-grpc";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { BenchDefinition } from "./generated/bench.ts";

/** gRPC with promises over grpc-js, with ts-proto as its README recommends. */
export const niceGrpc: Contender = {
  name: "nice-grpc",
  packages: ["nice-grpc", "@grpc/grpc-js", "@bufbuild/protobuf"],
  wire: "http/2",
  codec: "protobuf",
  serve,
  connect,
};

/** The default is 4 MiB for what is received, and one connection for all clients of a process. */
const limits = { "grpc.max_receive_message_length": 64 * 1024 * 1024, "grpc.use_local_subchannel_pool": 1 };

/** It can't listen on a port that processes share. */
async function serve({ port }: ServeOptions): Promise<BenchServer> {
  const server = createServer(limits);
  server.add(BenchDefinition, {
    add: async ({ a, b }) => ({ total: a + b }),
    order: async (order) => order,
    async *count({ to }) {
      for (let n = 1; n <= to; n++) yield { n };
    },
    echo: async (blob) => blob,
    hold: (_nothing, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  });
  const listening = await server.listen(`127.0.0.1:${port}`);
  return {
    port: listening,
    async close() {
      server.forceShutdown();
    },
  };
}

async function connect(port: number): Promise<BenchClient> {
  const channel = createChannel(`127.0.0.1:${port}`, undefined, limits);
  const bench = createClient(BenchDefinition, channel);
  await bench.add({ a: 0, b: 0 });
  const closed = new AbortController();
  return {
    add: async (a, b) => (await bench.add({ a, b })).total,
    order: async (order) => (await bench.order(order)) as Order,
    async iterate(to) {
      let seen = 0;
      for await (const { n } of bench.count({ to })) {
        if (n === seen + 1) seen = n;
      }
      return seen;
    },
    stream: (to) => bench.count({ to }),
    echo: async (bytes) => (await bench.echo({ bytes })).bytes,
    hold: () => bench.hold({}, { signal: closed.signal }),
    async close() {
      // Closing a channel leaves its calls alone.
      closed.abort();
      channel.close();
    },
  };
}
