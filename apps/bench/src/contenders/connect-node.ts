import { createServer } from "node:http2";
import { createClient } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";
import {
  connectNodeAdapter,
  createConnectTransport,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { Bench } from "./generated/bench_pb.ts";
import { startHttp2 } from "./http2-server.ts";

type TransportOptions = Parameters<typeof createGrpcTransport>[0];

/** Connect's library with the gRPC protocol. */
export const connectGrpc: Contender = contender("connect-grpc", createGrpcTransport);

/** Connect's library with the Connect protocol. */
export const connectConnect: Contender = contender("connect", (options) =>
  createConnectTransport({ ...options, httpVersion: "2" }),
);

function contender(name: string, createTransport: (options: TransportOptions) => Transport): Contender {
  return {
    name,
    packages: ["@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"],
    wire: "http/2",
    codec: "protobuf",
    reusesPort: true,
    serve,
    connect: (port) => connect(port, createTransport),
  };
}

function serve(options: ServeOptions): Promise<BenchServer> {
  const server = createServer(
    connectNodeAdapter({
      // By default it compresses what has more than 1 KiB; nobody else here does.
      acceptCompression: [],
      routes: (router) =>
        router.service(Bench, {
          add: ({ a, b }) => ({ total: a + b }),
          order: (order) => order,
          async *count({ to }) {
            for (let n = 1; n <= to; n++) yield { n };
          },
          echo: (blob) => blob,
          hold: (_nothing, { signal }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener("abort", () => reject(signal.reason as Error));
            }),
        }),
    }),
  );
  return startHttp2(server, options);
}

async function connect(port: number, createTransport: (options: TransportOptions) => Transport): Promise<BenchClient> {
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  await sessionManager.connect();
  const bench = createClient(Bench, createTransport({ baseUrl, sessionManager, acceptCompression: [] }));
  return {
    add: async (a, b) => (await bench.add({ a, b })).total,
    order: async (order) => (await bench.order(order)) as unknown as Order,
    async iterate(to) {
      let seen = 0;
      for await (const { n } of bench.count({ to })) {
        if (n === seen + 1) seen = n;
      }
      return seen;
    },
    stream: (to) => bench.count({ to }),
    echo: async (bytes) => (await bench.echo({ bytes })).bytes,
    hold: () => bench.hold({}),
    async close() {
      sessionManager.abort();
    },
  };
}
