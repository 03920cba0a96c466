import {
  bidiStream,
  clientStream,
  createClient,
  createServer,
  failure,
  type RpcError,
  serverStream,
  service,
  type ServerOptions,
  type,
  unary,
} from "@farcall/core";
import { wireClient, type WireClientOptions, wireServer, type WireServerOptions } from "../../src/index.ts";
import { json } from "./json-codec.ts";
import { Link, type PairOptions } from "./pair.ts";
import { RawPeer } from "./raw-peer.ts";
import { until } from "./until.ts";

const Short = failure("test.v1.Short", { data: type<{ missing: number }>() });

export const Test = service("test.v1.Test", {
  echo: unary({ input: type<unknown>(), output: type<unknown>() }),
  hang: unary({ input: type<unknown>(), output: type<unknown>() }),
  fail: unary({ input: type<{ trailers?: number }>(), output: type<unknown>(), errors: [Short] }),
  big: unary({ input: type<{ size: number }>(), output: type<string>() }),
  head: unary({ input: type<{ header?: number; trailer?: number }>(), output: type<string>() }),
  count: serverStream({
    input: type<{ n: number; pad?: number; hang?: boolean }>(),
    output: type<{ i: number; pad: string }>(),
  }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  drop: clientStream({ input: type<unknown>(), output: type<number>() }),
  talk: bidiStream({ input: type<unknown>(), output: type<unknown>() }),
});

export interface FixtureOptions {
  readonly pair?: PairOptions;
  readonly client?: WireClientOptions;
  readonly server?: WireServerOptions;
  readonly core?: Partial<ServerOptions>;
  readonly layout?: Uint8Array;
}

/** A server and a client over a link in memory. `hanging` are the calls of `hang` and `drop` that run. */
export async function fixture(options: FixtureOptions = {}) {
  const link = new Link(options.pair);
  const errors: RpcError[] = [];
  const hanging = new Set<AbortSignal>();
  let handled = 0;
  const hang = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      hanging.add(signal);
      signal.addEventListener("abort", () => {
        hanging.delete(signal);
        reject(signal.reason as Error);
      });
    });
  const codec = json(options.layout);
  const server = createServer({
    codecs: [codec],
    onError: (error) => errors.push(error),
    ...options.core,
  } as ServerOptions);
  server.add(Test, {
    echo: (input) => {
      handled++;
      return input;
    },
    hang: (_, ctx) => hang(ctx.signal),
    fail: ({ trailers }, ctx) => {
      if (trailers !== undefined) ctx.responseTrailer.set("t", "x".repeat(trailers));
      throw Short({ missing: 12 }, "too little");
    },
    big: ({ size }) => "x".repeat(size),
    head: ({ header, trailer }, ctx) => {
      if (header !== undefined) ctx.responseHeader.set("h", "x".repeat(header));
      if (trailer !== undefined) ctx.responseTrailer.set("t", "x".repeat(trailer));
      return "ok";
    },
    async *count({ n, pad = 0, hang: hangs }, ctx) {
      for (let i = 0; i < n; i++) yield { i, pad: "x".repeat(pad) };
      if (hangs) await hang(ctx.signal);
    },
    async sum(numbers) {
      let sum = 0;
      for await (const one of numbers) sum += one;
      return sum;
    },
    drop: (_, ctx) => hang(ctx.signal),
    async *talk(lines) {
      for await (const line of lines) yield line;
    },
  });
  const listening = await server.listen(wireServer(link.listener, options.server));
  const transport = wireClient(link.connector, options.client);
  return {
    link,
    server,
    listening,
    transport,
    client: createClient(Test, { transport, codec }),
    codec,
    errors,
    hanging,
    get handled() {
      return handled;
    },
    /** A peer of the server that the test speaks for. */
    peer: () => new RawPeer(link.connect()),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.close({ graceMs: 0 });
      await until(
        () => link.connections.every(({ client, server: end }) => client.state === "closed" && end.state === "closed"),
        "every connection is closed",
      );
      if (server.openCalls !== 0) throw new Error(`${server.openCalls} calls are left open`);
      if (hanging.size > 0) throw new Error(`${hanging.size} handlers were not told of the end`);
    },
  };
}

/** A client whose server is played by the test: `servers` are the ends it accepted. */
export async function clientFixture(options: WireClientOptions = {}, hello?: object) {
  const link = new Link();
  const servers: RawPeer[] = [];
  const { serverHello } = await import("./raw-peer.ts");
  await link.listener.listen((connection) => {
    const peer = new RawPeer(connection);
    servers.push(peer);
    if (hello !== undefined) peer.greet({ ...serverHello, ...hello });
  });
  const transport = wireClient(link.connector, options);
  return {
    link,
    servers,
    transport,
    client: createClient(Test, { transport, codec: json() }),
    async server(index = 0): Promise<RawPeer> {
      await until(() => servers.length > index, "the client connects");
      return servers[index] as RawPeer;
    },
    async [Symbol.asyncDispose]() {
      await transport.close();
      for (const one of servers) one.connection.destroy();
      await until(() => servers.every((one) => one.closed), "every connection is closed");
    },
  };
}
