import { once } from "node:events";
import { connect as connectHttp2, createServer } from "node:http2";
import type { ClientHttp2Stream, Http2Stream, ServerHttp2Stream } from "node:http2";
import type { BenchClient, BenchServer, Contender, ServeOptions } from "../contender.ts";
import type { Order } from "../order.ts";
import { startHttp2 } from "./http2-server.ts";

/** `node:http2` by hand: one stream a call, JSON bodies. What every library over HTTP/2 stands on. */
export const http2: Contender = {
  name: "http2",
  packages: [],
  wire: "http/2",
  codec: "json",
  reusesPort: true,
  serve,
  connect,
};

/** Node refuses streams when those that are open take more megabytes than this, by default 10. */
const maxSessionMemory = 1024;

function serve(options: ServeOptions): Promise<BenchServer> {
  const server = createServer({ maxSessionMemory });
  server.on("stream", (stream, headers) => {
    // The client may end its session at any time.
    stream.on("error", () => {});
    void answer(stream, headers[":path"] ?? "");
  });
  return startHttp2(server, options);
}

async function answer(stream: ServerHttp2Stream, path: string): Promise<void> {
  const body = await readAll(stream);
  switch (path) {
    case "/add": {
      const { a, b } = JSON.parse(body.toString()) as { a: number; b: number };
      stream.respond();
      return void stream.end(JSON.stringify({ total: a + b }));
    }
    case "/order":
      stream.respond();
      return void stream.end(JSON.stringify(JSON.parse(body.toString())));
    case "/count":
      stream.respond();
      return count(stream, (JSON.parse(body.toString()) as { to: number }).to);
    case "/echo":
      stream.respond();
      return void stream.end(body);
    default: // "/hold"
  }
}

/** A line for each item, and as many lines in a write as a frame of HTTP/2 holds. */
async function count(stream: ServerHttp2Stream, to: number): Promise<void> {
  let lines = "";
  for (let n = 1; n <= to; n++) {
    lines += `${JSON.stringify({ n })}\n`;
    if (lines.length < 16_000) continue;
    const room = stream.write(lines);
    lines = "";
    if (!room) await once(stream, "drain");
  }
  stream.end(lines);
}

async function connect(port: number): Promise<BenchClient> {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { maxSessionMemory });
  await once(session, "connect");
  session.on("error", () => {});
  const start = (path: string, body: string | Uint8Array): ClientHttp2Stream => {
    const stream = session.request({ ":method": "POST", ":path": path });
    stream.end(body);
    return stream;
  };
  const call = async <O>(path: string, input: unknown): Promise<O> =>
    JSON.parse((await readAll(start(path, JSON.stringify(input)))).toString()) as O;
  return {
    add: async (a, b) => (await call<{ total: number }>("/add", { a, b })).total,
    order: (order) => call<Order>("/order", order),
    async iterate(to) {
      let seen = 0;
      for await (const { n } of items(start("/count", JSON.stringify({ to })))) if (n === seen + 1) seen = n;
      return seen;
    },
    push: (to) =>
      new Promise((resolve, reject) => {
        let seen = 0;
        const lines = new Lines();
        const stream = start("/count", JSON.stringify({ to })).setEncoding("utf8");
        stream.on("data", (text: string) => {
          for (const line of lines.add(text)) if ((JSON.parse(line) as Item).n === seen + 1) seen++;
        });
        stream.on("end", () => resolve(seen));
        stream.on("error", reject);
      }),
    stream: (to) => items(start("/count", JSON.stringify({ to }))),
    echo: (bytes) => readAll(start("/echo", bytes)),
    hold: () => call("/hold", null),
    async close() {
      session.destroy();
    },
  };
}

interface Item {
  n: number;
}

async function* items(stream: ClientHttp2Stream): AsyncGenerator<Item> {
  const lines = new Lines();
  for await (const text of stream.setEncoding("utf8") as AsyncIterable<string>) {
    for (const line of lines.add(text)) yield JSON.parse(line) as Item;
  }
}

/** Text that comes in chunks, by the line. */
class Lines {
  #rest = "";

  /** The lines that end in this chunk. */
  add(chunk: string): string[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}

function readAll(stream: Http2Stream & NodeJS.ReadableStream): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      if (stream.aborted) reject(new Error("the stream was cut"));
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    });
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("the stream was closed")));
  });
}
