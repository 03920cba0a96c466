import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { credentials, loadPackageDefinition, Server, ServerCredentials } from "@grpc/grpc-js";
import type {
  ClientReadableStream,
  ClientUnaryCall,
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { listen } from "./listen.ts";

/** gRPC's own library for Node, with the loader of `.proto` files that its README recommends. */
export const grpcJs: Contender = {
  name: "grpc-js",
  packages: ["@grpc/grpc-js", "@grpc/proto-loader"],
  wire: "http/2",
  codec: "protobuf",
  reusesPort: true,
  serve,
  connect,
};

interface Pair {
  a: number;
  b: number;
}
interface Total {
  total: number;
}
interface Item {
  n: number;
}
interface Blob {
  bytes: Uint8Array;
}

/** What `loadPackageDefinition` makes of the service; it has no types for what it loads. */
interface Stub {
  add(input: Pair, done: (error: Error | null, output: Total) => void): ClientUnaryCall;
  order(input: Order, done: (error: Error | null, output: Order) => void): ClientUnaryCall;
  count(input: { to: number }): ClientReadableStream<Item>;
  echo(input: Blob, done: (error: Error | null, output: Blob) => void): ClientUnaryCall;
  hold(input: object, done: (error: Error | null, output: object) => void): ClientUnaryCall;
  waitForReady(deadline: Date, done: (error?: Error) => void): void;
  close(): void;
}

const Bench = loadBench();

/** The default is 4 MiB for what is received, and one connection for all clients of a process. */
const limits = { "grpc.max_receive_message_length": 64 * 1024 * 1024, "grpc.use_local_subchannel_pool": 1 };

function loadBench(): ServiceClientConstructor {
  const definition = loadSync(fileURLToPath(new URL("bench.proto", import.meta.url)));
  return (loadPackageDefinition(definition)["bench"] as { Bench: ServiceClientConstructor }).Bench;
}

async function serve(options: ServeOptions): Promise<BenchServer> {
  const server = new Server(limits);
  server.addService(Bench.service, {
    add: ({ request: { a, b } }: ServerUnaryCall<Pair, Total>, done: sendUnaryData<Total>) =>
      done(null, { total: a + b }),
    order: ({ request }: ServerUnaryCall<Order, Order>, done: sendUnaryData<Order>) => done(null, request),
    count: (call: ServerWritableStream<{ to: number }, Item>) => void count(call),
    echo: ({ request }: ServerUnaryCall<Blob, Blob>, done: sendUnaryData<Blob>) => done(null, request),
    hold: () => {},
  });
  // It has no option for a port that processes share, so that it is given the connections.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
  return {
    port: await listen(listener, options),
    async close() {
      listener.close();
      injector.destroy();
      server.forceShutdown();
    },
  };
}

async function count(call: ServerWritableStream<{ to: number }, Item>): Promise<void> {
  for (let n = 1; n <= call.request.to; n++) {
    if (!call.write({ n })) await once(call, "drain");
  }
  call.end();
}

async function connect(port: number): Promise<BenchClient> {
  const stub = new Bench(`127.0.0.1:${port}`, credentials.createInsecure(), limits) as unknown as Stub;
  await new Promise<void>((resolve, reject) => {
    stub.waitForReady(new Date(Date.now() + 10_000), (error) => (error ? reject(error) : resolve()));
  });
  const held: ClientUnaryCall[] = [];
  return {
    add: (a, b) =>
      new Promise((resolve, reject) => {
        stub.add({ a, b }, (error, output) => (error ? reject(error) : resolve(output.total)));
      }),
    order: (order) =>
      new Promise((resolve, reject) => {
        stub.order(order, (error, output) => (error ? reject(error) : resolve(output)));
      }),
    async iterate(to) {
      let seen = 0;
      for await (const { n } of stub.count({ to }) as AsyncIterable<Item>) {
        if (n === seen + 1) seen = n;
      }
      return seen;
    },
    stream: (to) => stub.count({ to }),
    push: (to) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        const call = stub.count({ to });
        call.on("data", ({ n }: Item) => {
          if (n === seen + 1) seen = n;
        });
        call.on("error", reject);
        call.on("end", () => resolve(seen));
      }),
    echo: (bytes) =>
      new Promise((resolve, reject) => {
        stub.echo({ bytes }, (error, output) => (error ? reject(error) : resolve(output.bytes)));
      }),
    hold: () =>
      new Promise((resolve, reject) => {
        held.push(stub.hold({}, (error, output) => (error ? reject(error) : resolve(output))));
      }),
    async close() {
      // Closing a channel leaves its calls alone.
      for (const call of held) call.cancel();
      stub.close();
    },
  };
}
