import { type AddressInfo, connect as connectSocket, Server, type Socket } from "node:net";
import { type Payload, RSocketConnector, RSocketServer } from "rsocket-core";
import { TcpClientTransport } from "rsocket-tcp-client";
import { TcpServerTransport } from "rsocket-tcp-server";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";

/**
 * rsocket-js over TCP, with JSON as data and the route as metadata. The alpha of 1.0 is its line in TypeScript and the
 * one that its maintainers would finish; 0.0.27 was no faster.
 */
export const rsocket: Contender = {
  name: "rsocket",
  packages: ["rsocket-core", "rsocket-tcp-client", "rsocket-tcp-server"],
  wire: "tcp",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

const mostItems = 0x7fff_ffff;

const encode = (route: string, input: unknown): Payload => ({
  metadata: Buffer.from(route),
  data: Buffer.from(JSON.stringify(input)),
});
const decode = <T>({ data }: Payload): T => JSON.parse(String(data)) as T;
const nothingToDo = { cancel() {}, onExtension() {} };

async function serve({ port, reusePort = false }: ServeOptions): Promise<BenchServer> {
  const sockets = new Set<Socket>();
  const listener = new Server({ noDelay: true });
  listener.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const server = new RSocketServer({
    transport: new TcpServerTransport({
      listenOptions: { host: "127.0.0.1", port, reusePort },
      socketCreator: () => listener,
    }),
    acceptor: { accept: async () => responder },
  });
  const listening = await server.bind();
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      listening.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type Responder = Awaited<ReturnType<ConstructorParameters<typeof RSocketServer>[0]["acceptor"]["accept"]>>;

const responder: Responder = {
  requestResponse(payload, answer) {
    switch (String(payload.metadata)) {
      case "add": {
        const { a, b } = decode<{ a: number; b: number }>(payload);
        answer.onNext(encodeAnswer({ total: a + b }), true);
        break;
      }
      case "order":
        answer.onNext(encodeAnswer(decode(payload)), true);
    }
    return nothingToDo;
  },
  requestStream(payload, requested, answer) {
    const { to } = decode<{ to: number }>(payload);
    let sent = 0;
    let cancelled = false;
    const send = (more: number): void => {
      for (const end = Math.min(to, sent + more); sent < end && !cancelled;) {
        answer.onNext(encodeAnswer({ n: ++sent }), sent === to);
      }
    };
    // It is not ready for items before this function returns.
    process.nextTick(send, requested);
    return { ...nothingToDo, request: send, cancel: () => void (cancelled = true) };
  },
};

function encodeAnswer(output: unknown): Payload {
  return { data: Buffer.from(JSON.stringify(output)) };
}

async function connect(port: number): Promise<BenchClient> {
  const connector = new RSocketConnector({
    transport: new TcpClientTransport({
      connectionOptions: { host: "127.0.0.1", port, noDelay: true },
      // It stops listening for errors before its socket has ended.
      socketCreator: (options) => connectSocket(options).on("error", () => {}),
    }),
  });
  const connection = await connector.connect();
  const call = (payload: Payload): Promise<Payload> =>
    new Promise((resolve, reject) => {
      connection.requestResponse(payload, {
        onNext: resolve,
        onError: reject,
        onComplete: () => reject(new Error("completed without an answer")),
        onExtension() {},
      });
    });
  return {
    add: async (a, b) => decode<{ total: number }>(await call(encode("add", { a, b }))).total,
    order: async (order) => decode<Order>(await call(encode("order", order))),
    push: (to) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        connection.requestStream(encode("count", { to }), mostItems, {
          onNext(item, isComplete) {
            if (decode<{ n: number }>(item).n === seen + 1) seen++;
            if (isComplete) resolve(seen);
          },
          onError: reject,
          onComplete: () => resolve(seen),
          onExtension() {},
        });
      }),
    // No echo: a frame holds less than 16 MiB, and its server doesn't split what it answers.
    hold: () => call(encode("hold", null)),
    async close() {
      connection.close();
    },
  };
}
