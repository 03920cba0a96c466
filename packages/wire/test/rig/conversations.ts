import {
  bidiStream,
  clientStream,
  createClient,
  createServer,
  failure,
  RpcError,
  serverStream,
  service,
  type,
  unary,
} from "@farcall/core";
import { type Listener, wireClient, type Connector, wireServer } from "../../src/index.ts";
import type { Frame } from "./frame-text.ts";
import { json } from "./json-codec.ts";

/** A digest that both ends of some conversations have. */
const layout: Uint8Array = Uint8Array.of(0xaa, 0xbb);

const Shortfall = failure("v.Shortfall", { data: type<{ missing: number }>() });

/** The service of the golden conversations. */
const Golden = service("v.Golden", {
  echo: unary({ input: type<unknown>(), output: type<unknown>() }),
  about: unary({ input: type<string>(), output: type<string>() }),
  pay: unary({ input: type<{ amount: number }>(), output: type<unknown>(), errors: [Shortfall] }),
  hang: unary({ input: type<string>(), output: type<string>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  total: clientStream({ input: type<number>(), output: type<number>() }),
  talk: bidiStream({ input: type<string>(), output: type<string>() }),
});

type GoldenClient = ReturnType<typeof goldenClient>["client"];

/** A client with options that make its bytes the same each time. */
export function goldenClient(connector: Connector, withLayout: boolean) {
  const transport = wireClient(connector, { keepAlive: false, handshake: { token: "t" } });
  return { transport, client: createClient(Golden, { transport, codec: json(withLayout ? layout : undefined) }) };
}

export async function goldenServer(listener: Listener, withLayout: boolean) {
  let release: (text: string) => void = () => {};
  const server = createServer({ codecs: [json(withLayout ? layout : undefined)], onError: () => {} });
  let hanging = 0;
  server.add(Golden, {
    echo: (input) => input,
    about: (name, ctx) => {
      ctx.responseHeader.set("served-by", "a");
      ctx.responseTrailer.set("cost-bin", Uint8Array.of(0, 255));
      return `${name} ${ctx.metadata.get("lang")}`;
    },
    pay: () => {
      throw Shortfall({ missing: 12 }, "too little", { retryAfterMs: 250, metadata: undefined });
    },
    hang: () => {
      hanging++;
      return new Promise<string>((resolve) => (release = resolve));
    },
    async *count(n) {
      for (let i = 0; i < n; i++) yield i;
    },
    async total(numbers) {
      let total = 0;
      for await (const one of numbers) total += one;
      return total;
    },
    async *talk(lines) {
      for await (const line of lines) yield `re: ${line}`;
    },
  });
  const listening = await server.listen(wireServer(listener, { keepAlive: false }));
  return { server, listening, release: () => release("done"), hanging: () => hanging };
}

/** What happens beside the bytes. */
interface Stage {
  readonly client: GoldenClient;
  /** Called when the server should start to drain; a client that is tested alone does not need it. */
  readonly drain?: () => void;
  /** The handler of `hang` runs, or may be taken to. */
  readonly hangs: () => Promise<void>;
}

export interface Conversation {
  readonly name: string;
  readonly layout?: boolean;
  /** What the client does. Returns what its user sees. */
  play(stage: Stage): Promise<unknown>;
  readonly result: unknown;
}

const code = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    return await promise;
  } catch (error) {
    return error instanceof RpcError ? { code: error.code, processed: error.processed } : error;
  }
};

/** Every kind of frame is in at least one of them. */
export const conversations: readonly Conversation[] = [
  {
    name: "a unary call",
    play: ({ client }) => client.echo("hi", { timeoutMs: Infinity }),
    result: "hi",
  },
  {
    name: "two calls of one method: the second reuses binding and number",
    play: async ({ client }) => [
      await client.echo(1, { timeoutMs: Infinity }),
      await client.echo(2, { timeoutMs: Infinity }),
    ],
    result: [1, 2],
  },
  {
    name: "metadata both ways, a deadline, a header and trailers",
    async play({ client }) {
      const seen: unknown[] = [];
      const answer = await client.about("ada", {
        timeoutMs: 500,
        metadata: { lang: "en", "trace-bin": Uint8Array.of(1, 2) },
        onHeader: (header) => seen.push(header.get("served-by")),
        onTrailer: (trailer) => seen.push([...(trailer.get("cost-bin") ?? [])]),
      });
      return [answer, ...seen];
    },
    result: ["ada en", "a", [0, 255]],
  },
  {
    name: "a server stream",
    async play({ client }) {
      const got: number[] = [];
      for await (const one of client.count(3)) got.push(one);
      return got;
    },
    result: [0, 1, 2],
  },
  {
    name: "a client stream",
    play: ({ client }) => client.total([1, 2, 3], { timeoutMs: Infinity }),
    result: 6,
  },
  {
    name: "a conversation both ways",
    async play({ client }) {
      const got: string[] = [];
      let next = (): void => {};
      const lines = async function* (): AsyncGenerator<string> {
        for (const line of ["a", "b"]) {
          yield line;
          await new Promise<void>((resolve) => (next = resolve));
        }
      };
      for await (const line of client.talk(lines())) {
        got.push(line);
        next();
      }
      return got;
    },
    result: ["re: a", "re: b"],
  },
  {
    name: "a call that the caller cancels",
    async play({ client, hangs }) {
      const abort = new AbortController();
      const call = code(client.hang("x", { timeoutMs: Infinity, signal: abort.signal }));
      await hangs();
      abort.abort();
      const first = await call;
      // It gets another number: the server has not said yet that the first is free.
      return [first, await client.echo("next", { timeoutMs: Infinity })];
    },
    result: [{ code: "CANCELLED", processed: "unknown" }, "next"],
  },
  {
    name: "a refusal with a typed detail and a time to wait",
    async play({ client }) {
      try {
        return await client.pay({ amount: 1 }, { timeoutMs: Infinity });
      } catch (error) {
        const { code: name, processed, retryAfterMs, details } = error as RpcError;
        return { code: name, processed, retryAfterMs, details };
      }
    },
    result: {
      code: "FAILED_PRECONDITION",
      processed: "yes",
      retryAfterMs: 250,
      details: [{ type: "v.Shortfall", data: { missing: 12 } }],
    },
  },
  {
    name: "positional layouts that both ends share: the client uses them once the server has said so",
    layout: true,
    play: async ({ client }) => [
      await client.echo({ a: 1, b: "x" }, { timeoutMs: Infinity }),
      await client.echo({ a: 2, b: "y" }, { timeoutMs: Infinity }),
    ],
    result: [{ positional: [1, "x"] }, { positional: [[2, "y"]] }],
  },
  {
    name: "the server drains: what runs is finished",
    async play({ client, hangs, drain }) {
      const call = client.hang("x", { timeoutMs: Infinity });
      await hangs();
      drain?.();
      return await call;
    },
    result: "done",
  },
];

const bind = (method: string, call: number): Frame => ({
  kind: "bind",
  binding: 0,
  call,
  codec: "json",
  method: `v.Golden/${method}`,
  requestLayout: "",
  responseLayout: "",
});

/** What clients may send that ours does not, or not in so few bytes: all of it at once, behind preface and hello. */
export const monologues: readonly { readonly name: string; readonly frames: readonly Frame[] }[] = [
  {
    name: "a message in three parts, and the end by itself",
    frames: [
      bind("total", 2),
      { kind: "start", call: 0, binding: 0 },
      { kind: "data", call: 0, message: "1" },
      { kind: "data", call: 0, size: 5, message: "12" },
      { kind: "data", call: 0, part: true, message: "34" },
      { kind: "data", call: 0, part: true, message: "5" },
      { kind: "end", call: 0 },
    ],
  },
  {
    name: "messages that share frames, one that has a frame to itself, and the end with the last",
    frames: [
      bind("total", 2),
      { kind: "start", call: 0, binding: 0 },
      { kind: "data", call: 0, messages: ["1", "20"] },
      { kind: "data", call: 0, message: "300" },
      { kind: "data", call: 0, end: true, messages: ["4000", "50000"] },
    ],
  },
  {
    name: "a message larger than the server's limit: its call ends, the connection goes on",
    frames: [
      bind("echo", 0),
      { kind: "start", call: 0, binding: 0 },
      { kind: "data", call: 0, size: 0xffffffff, message: "1" },
      { kind: "start", call: 1, binding: 0, end: true, message: "2" },
    ],
  },
  {
    name: "a method that the server does not have",
    frames: [bind("nothing", 0), { kind: "start", call: 0, binding: 0, attempt: 2, end: true, message: "1" }],
  },
  {
    name: "a ping, and a frame of a kind that the server skips",
    frames: [
      { kind: "0x80", rawKind: 0x80, raw: "c0ffee" },
      { kind: "ping", payload: "0102030405060708" },
    ],
  },
  {
    name: "a kind that nobody knows, which ends the connection",
    frames: [{ kind: "0x7f", rawKind: 0x7f, raw: "" }],
  },
];

/** Frames that conversations this small do not need. */
export const singleFrames: readonly Frame[] = [
  { kind: "credit", call: 7, bytes: 131_072 },
  { kind: "credit", call: "connection", bytes: 524_288 },
  { kind: "cancel", call: 7, code: 4 },
  { kind: "data", call: 7, end: true, positional: true, messages: ["[1]", "", "[3]"] },
  { kind: "status", call: 300, code: 14, processed: "no", message: "busy", retryAfterMs: "never" },
  { kind: "goAway", accepted: 12, code: 0, message: "" },
  { kind: "bound", binding: 200, request: true, response: false },
];

/** Plays with a clock that stands still, so that the time left is the same each time. */
export async function withStoppedClock<T>(body: () => Promise<T>): Promise<T> {
  const { now } = performance;
  performance.now = () => 1_000;
  try {
    return await body();
  } finally {
    performance.now = now;
  }
}
