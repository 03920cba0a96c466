import { once } from "node:events";
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from "node:net";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { CoalescedWrites, RepliesInOrder } from "./net-frames.ts";

/**
 * The upper limit: `node:net` when nothing has to be understood. The server sends back whatever comes; the client makes one
 * write of what it calls in one turn, and knows replies by their order and length. An order is encoded only once.
 */
export const net: Contender = {
  name: "net",
  packages: [],
  wire: "tcp",
  codec: "raw",
  reusesPort: true,
  serve,
  connect,
};

/** The first byte of a connection says what the server does with the rest. */
const purpose = { echo: 1, count: 2, hold: 3 } as const;

async function serve({ port, reusePort = false }: ServeOptions): Promise<BenchServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.once("data", (first) => {
      if (first.length > 1) socket.unshift(first.subarray(1));
      if (first[0] === purpose.echo) socket.pipe(socket);
      else if (first[0] === purpose.count) socket.on("data", (asked) => sendNumbers(socket, asked.readUInt32LE(0)));
      else socket.resume();
    });
  });
  server.listen({ port, host: "127.0.0.1", reusePort });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const itemsPerChunk = 8_192;

/** Each message of a stream is two numbers, its length and which one it is. */
function sendNumbers(socket: Socket, count: number): void {
  let sent = 0;
  const send = (): void => {
    while (sent < count) {
      const chunk = new Int32Array(2 * Math.min(itemsPerChunk, count - sent));
      for (let i = 0; i < chunk.length; i += 2) {
        chunk[i] = 4;
        chunk[i + 1] = ++sent;
      }
      if (!socket.write(new Uint8Array(chunk.buffer))) {
        socket.once("drain", send);
        return;
      }
    }
  };
  send();
}

/** A small call is four numbers: its length, its number, and two to add. */
const callBytes = 16;
const orderBytes = 1_024;

async function connect(port: number): Promise<BenchClient> {
  const socket = await open(port, purpose.echo);
  const writes = new CoalescedWrites(socket);
  const replies = new RepliesInOrder(socket);
  const encoded = new Map<Order, Buffer>();
  let counting: Promise<Socket> | undefined;
  let holding: Promise<{ socket: Socket; writes: CoalescedWrites }> | undefined;
  const held: unknown[] = [];
  let calls = 0;

  const writeCall = (to: CoalescedWrites, a: number, b: number): void => {
    const at = to.reserve(callBytes);
    to.buffer.writeInt32LE(callBytes, at);
    to.buffer.writeInt32LE(calls++ | 0, at + 4);
    to.buffer.writeInt32LE(a, at + 8);
    to.buffer.writeInt32LE(b, at + 12);
  };

  return {
    add(a, b) {
      writeCall(writes, a, b);
      return new Promise((resolve) => {
        replies.expect(callBytes, (chunk, at) => resolve(chunk.readInt32LE(at + 8) + chunk.readInt32LE(at + 12)));
      });
    },
    order(order) {
      let bytes = encoded.get(order);
      if (bytes === undefined) encoded.set(order, (bytes = encode(order)));
      const sent = bytes;
      const start = writes.reserve(orderBytes);
      writes.buffer.set(sent, start);
      return new Promise((resolve, reject) => {
        replies.expect(orderBytes, (chunk, at) => {
          if (chunk.compare(sent, 0, orderBytes, at, at + orderBytes) === 0) resolve(order);
          else reject(new Error("other bytes came back"));
        });
      });
    },
    async push(count) {
      return readNumbers(await (counting ??= open(port, purpose.count)), count);
    },
    echo(bytes) {
      writes.flush();
      socket.write(bytes);
      return new Promise((resolve) => replies.expectLarge(bytes.length, resolve));
    },
    async hold() {
      holding ??= open(port, purpose.hold).then((opened) => ({ socket: opened, writes: new CoalescedWrites(opened) }));
      writeCall((await holding).writes, 0, 0);
      return new Promise((resolve) => held.push(resolve));
    },
    async close() {
      socket.destroy();
      (await counting)?.destroy();
      (await holding)?.socket.destroy();
    },
  };
}

async function open(port: number, first: number): Promise<Socket> {
  const socket = connectSocket({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write(Uint8Array.of(first));
  return socket;
}

function encode(order: Order): Buffer {
  const bytes = Buffer.alloc(orderBytes);
  bytes.write(JSON.stringify(order));
  return bytes;
}

function readNumbers(socket: Socket, count: number): Promise<number> {
  return new Promise((resolve) => {
    let seen = 0;
    let cut: Buffer | undefined;
    const read = (chunk: Buffer): void => {
      if (cut !== undefined) chunk = Buffer.concat([cut, chunk]);
      const end = chunk.length - (chunk.length % 8);
      cut = end < chunk.length ? chunk.subarray(end) : undefined;
      for (let at = 4; at < end; at += 8) if (chunk.readInt32LE(at) === seen + 1) seen++;
      if (seen < count) return;
      socket.off("data", read);
      resolve(seen);
    };
    socket.on("data", read);
    const request = Buffer.alloc(4);
    request.writeUInt32LE(count);
    socket.write(request);
  });
}
