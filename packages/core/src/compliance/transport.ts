import { type Client, createClient } from "../client.ts";
import type { Codec } from "../codec.ts";
import type { Limits } from "../limits.ts";
import { Metadata } from "../metadata.ts";
import { methodCodec } from "../method-codec.ts";
import { RpcError } from "../rpc-error.ts";
import { type } from "../schema.ts";
import { createServer, type Server } from "../server.ts";
import type { Method } from "../service.ts";
import { service, unary } from "../service.ts";
import { type ErrorCode, statusNumbers } from "../status.ts";
import type { ClientTransport, Listening, OutgoingCall, ResponseSink, ServerTransport } from "../transport.ts";
import { aside, failsWith, holds, same, until, untilStill } from "./assert.ts";
import type { TestRunner } from "./runner.ts";
import { Compliance, type HandlerLog, handlersWith, Refused } from "./transport-service.ts";

/** The two ends of a transport, for one test. */
export interface TransportPair {
  /** The server's end, at a free address or at one that was free before. Called again for a server that comes back. */
  server(address: string | undefined): ServerTransport;
  /** A client's end. The suite closes it. */
  client(address: string): ClientTransport;
  /** Called after the test. */
  end?(): void | Promise<void>;
}

export interface TransportComplianceOptions {
  /** For the names of the tests. */
  readonly name: string;
  readonly codec: Codec;
  /**
   * Two ends that have not met. Clients have these limits, and should try to connect again within a few milliseconds,
   * since tests wait for it.
   */
  create(clientLimits: Partial<Limits>): TransportPair | Promise<TransportPair>;
}

/** What every transport owes, wherever its bytes go: the rules of `CallHandler`, seen from clients and handlers. */
export function transportCompliance({ describe, test }: TestRunner, options: TransportComplianceOptions): void {
  const { codec } = options;

  /** Declares a test with a server, a client and what is between them; nothing may be left of a call afterwards. */
  const check = (
    name: string,
    body: (ends: Ends) => Promise<void>,
    limits: { client?: Partial<Limits>; server?: Partial<Limits> } = {},
  ): void => {
    test(name, async () => {
      const pair = await options.create(limits.client ?? {});
      const ends = new Ends(pair, codec, limits.server ?? {});
      try {
        await ends.listen();
        await body(ends);
        await until(() => ends.server.openCalls === 0);
      } finally {
        await ends.close();
        await pair.end?.();
      }
    });
  };

  describe(`transport ${options.name}`, () => {
    check("carries the four kinds of call", async ({ client }) => {
      same(await client.echo({ a: [1, "ä"] }), { a: [1, "ä"] });
      same(
        await collect(client.count({ n: 3, pad: 1 })),
        [0, 1, 2].map((i) => ({ i, pad: "x" })),
      );
      same(await client.sum(numbers(4)), { sum: 6, inOrder: true });
      same(await collect(client.talk(["a", "b"])), ["re: a", "re: b"]);
    });

    check("carries streams without a message", async ({ client }) => {
      same(await collect(client.count({ n: 0, pad: 0 })), []);
      same(await client.sum([]), { sum: 0, inOrder: true });
      same(await collect(client.talk([])), []);
    });

    check("keeps the order of thousands of messages, each way", async ({ client }) => {
      let next = 0;
      await client.count({ n: 5000, pad: 10 }).forEach(({ i }) => same(i, next++));
      same(next, 5000);
      same((await client.sum(numbers(5000))).inOrder, true);
      let answered = 0;
      for await (const one of client.talk(texts(2000))) same(one, `re: ${answered++}`);
      same(answered, 2000);
    });

    check("answers a message before the next one is sent", async ({ client }) => {
      let say: (text: string) => void = () => {};
      const talk = client.talk(
        (out) => new Promise<void>((done) => (say = (text) => (text === "" ? done() : void out.send(text)))),
      );
      for (const text of ["a", "b", "c"]) {
        say(text);
        same((await talk.next()).value, `re: ${text}`);
      }
      say("");
      same((await talk.next()).done, true);
    });

    check("ends a call exactly once, and delivers nothing after it", async ({ transport, client }) => {
      await client.echo(1);
      for (const disturb of [false, true]) {
        const call = outgoing(Compliance.methods.echo as Method, codec);
        const events: string[] = [];
        let over = (): void => {};
        const ended = new Promise<void>((resolve) => (over = resolve));
        const sink: ResponseSink = {
          header: () => void events.push("header"),
          message: () => events.push("message") > 0,
          end() {
            events.push("end");
            over();
          },
          ready() {},
        };
        const requests = transport.handle(call, sink);
        requests.message("x", true);
        requests.end();
        if (disturb) requests.cancel(new RpcError("CANCELLED", "enough"));
        await ended;
        // Whatever comes now is ignored.
        requests.message("y", true);
        requests.end();
        requests.ready();
        requests.cancel(new RpcError("CANCELLED", "again"));
        await client.echo(1);
        same(events, disturb ? ["end"] : ["message", "end"]);
        holds(typeof requests.progress().phase === "string", "progress says a phase, also after the end");
      }
    });

    check("a slow reader bounds what a server can send, and nothing is dropped", async ({ client, log }) => {
      const stream = client.count({ n: total, pad });
      same((await stream.next()).value, { i: 0, pad: "x".repeat(pad) });
      await untilStill(() => log.sent);
      holds(log.sent < total, `the server has sent all of its ${total} messages, and nobody reads`);
      let next = 1;
      for await (const { i } of stream) same(i, next++);
      same(next, total);
    });

    check("a slow reader bounds what a client can send, and nothing is dropped", async ({ client, log }) => {
      let read = (): void => {};
      log.reading = new Promise((resolve) => (read = resolve));
      let sent = 0;
      const text = "x".repeat(pad);
      const sum = aside(
        client.sum(async (out) => {
          for (; sent < total; sent++) if (!out.send({ i: sent, pad: text })) await out.ready();
        }),
      );
      await until(() => sent > 0);
      await untilStill(() => sent);
      holds(sent < total, `the client has sent all of its ${total} messages, and nobody reads`);
      read();
      same(await sum, { sum: (total * (total - 1)) / 2, inOrder: true });
    });

    check("a stream that nobody reads does not hold up other calls", async ({ client }) => {
      const stream = client.count({ n: total, pad });
      await stream.next();
      for (let i = 0; i < 20; i++) same(await client.echo(i), i);
      stream.cancel();
    });

    check("cancelling reaches the handler", async ({ client, log, server }) => {
      const controller = new AbortController();
      const { signal } = controller;
      const calls = [client.wait("a", { signal }), collect(client.endless("b", { signal }))];
      const ends = aside(Promise.all(calls.map((call) => failsWith(call, "CANCELLED"))));
      await until(() => log.began.length === 2);
      controller.abort();
      await ends;
      await until(() => log.aborted.length === 2 && log.finished === 1 && server.openCalls === 0);
      same(log.aborted, ["CANCELLED", "CANCELLED"]);
      same(await client.echo("fine"), "fine");
    });

    check("leaving a stream early ends the handler's generator", async ({ client, log }) => {
      for await (const i of client.endless("a")) if (i === 5) break;
      await until(() => log.finished === 1);
    });

    check("a handler may answer before the requests have ended", async ({ client }) => {
      let returned = false;
      const requests = (async function* () {
        try {
          for (let i = 7; ; i++) yield i;
        } finally {
          returned = true;
        }
      })();
      same(await client.first(requests), 7);
      await until(() => returned);
      same(await client.first([]), -1);
    });

    check("the server hears how much time is left", async ({ client }) => {
      const left = (await client.echo("time left", { timeoutMs: 60_000 })) as number;
      holds(left > 0 && left <= 60_000, `${left} ms are left of 60,000`);
    });

    check("a deadline ends the call at both ends", async ({ client, log }) => {
      const error = await failsWith(client.wait("a", { timeoutMs: 40 }), "DEADLINE_EXCEEDED");
      holds(error.explain !== undefined, "the error explains itself");
      await until(() => log.aborted.length === log.began.length);
      holds(
        log.aborted.every((code) => code === "DEADLINE_EXCEEDED"),
        `the handler heard ${log.aborted.join()}`,
      );
    });

    check("metadata crosses both ways: several values, bytes, the empty text", async ({ client }) => {
      const bytes = new Uint8Array([0, 1, 127, 128, 255]);
      const metadata = new Metadata([
        ["h-a", "1"],
        ["h-a", ""],
        ["h-bytes-bin", bytes],
        ["t-b", " ~"],
        ["t-bytes-bin", bytes.slice(0, 0)],
        ["t-b", "2"],
      ]);
      const heard: (readonly [string, unknown])[] = [];
      const hear = (received: Metadata): void => void heard.push(...received);
      same(await client.echo("m", { metadata, onHeader: hear, onTrailer: hear }), "m");
      // The order between keys is not promised; that of one key's values is.
      const sorted = (all: Iterable<readonly [string, unknown]>): unknown =>
        [...all]
          .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
          .map(([key, value]) => [key, value instanceof Uint8Array ? [...value] : value]);
      same(sorted(heard), sorted(metadata));
    });

    check("the header comes before the first message, the trailer at the end", async ({ client }) => {
      const events: string[] = [];
      await client.echo("x", {
        metadata: { "h-a": "1", "t-a": "2" },
        onHeader: (header) => void events.push(`header ${header.get("h-a")}`),
        onTrailer: (trailer) => void events.push(`trailer ${trailer.get("t-a")}`),
      });
      same(events, ["header 1", "trailer 2"]);
    });

    check("every status crosses with its message and trailers", async ({ client }) => {
      for (const code of Object.keys(statusNumbers) as (ErrorCode | "OK")[]) {
        if (code === "OK") continue;
        const error = await failsWith(client.fail(code), code, "yes");
        same(error.rawMessage, `this is ${code}`);
        same(error.remote, true);
        same(error.metadata.get("t-trailer"), "there");
        holds(error.peer !== undefined, "the error says who answered");
      }
    });

    check("details, pushback and processed cross; an exception's text does not", async ({ client }) => {
      const refused = await failsWith(client.fail("refused"), "ABORTED");
      same(Refused.is(refused) && refused.data, { why: "tä" });
      same((await failsWith(client.fail("after 5"), "RESOURCE_EXHAUSTED", "no")).retryAfterMs, 5);
      same((await failsWith(client.fail("never again"), "UNAVAILABLE", "yes")).retryAfterMs, "never");
      const unknown = await failsWith(client.fail("the password is 1234"), "UNKNOWN", "yes");
      holds(!unknown.message.includes("1234"), `the caller reads "${unknown.message}"`);
    });

    check("a method, kind or codec that is not there is UNIMPLEMENTED", async ({ client, transport }) => {
      const Other = service("compliance.v1.Compliance", {
        missing: unary({ input: type<number>(), output: type<number>() }),
        count: unary({ input: type<number>(), output: type<number>() }),
      });
      const other = createClient(Other, { transport, codec });
      await failsWith(other.missing(1), "UNIMPLEMENTED", "no");
      await failsWith(other.count(1), "UNIMPLEMENTED", "no");
      const foreign = createClient(Compliance, {
        transport,
        codec: { name: "no-such-codec", message: (what) => codec.message(what) },
      });
      await failsWith(foreign.echo(1), "UNIMPLEMENTED", "no");
      same(await client.echo(1), 1);
    });

    check("messages up to the limit pass, both ways, among others", async ({ client }) => {
      const large = "0123456789abcdef".repeat(200_000);
      const small = Array.from({ length: 50 }, (_, i) => client.echo(i));
      const [answer, ...others] = await Promise.all([client.echo(large), ...small]);
      holds(answer === large, "a large message arrives as it was");
      same(
        others,
        Array.from({ length: 50 }, (_, i) => i),
      );
    });

    const tooLarge = "x".repeat(20_000);
    check(
      "a request above the server's limit ends its call alone",
      async ({ client }) => {
        const open = client.talk((out) => new Promise<void>((done) => (out.send("a"), setTimeout(done, 20))));
        await failsWith(client.echo(tooLarge), "RESOURCE_EXHAUSTED", "no");
        same(await client.echo("small"), "small");
        same(await collect(open), ["re: a"]);
      },
      { server: { maxMessageBytes: 10_000 } },
    );
    check(
      "a response above the client's limit ends its call alone",
      async ({ client }) => {
        await failsWith(client.echo(tooLarge), "RESOURCE_EXHAUSTED");
        await failsWith(collect(client.count({ n: 1, pad: 20_000 })), "RESOURCE_EXHAUSTED");
        same(await client.echo("small"), "small");
      },
      { client: { maxMessageBytes: 10_000 } },
    );
    check(
      "metadata above the limit ends its call alone",
      async ({ client }) => {
        await failsWith(client.echo(1, { metadata: { large: "x".repeat(5000) } }), "RESOURCE_EXHAUSTED", "no");
        same(await client.echo(1, { metadata: { small: "x" } }), 1);
      },
      { server: { maxMetadataBytes: 2000 } },
    );
    check(
      "more calls than the server has room for are shed, and the rest goes on",
      async ({ client, log }) => {
        const open = [aside(client.wait("a")), aside(client.wait("b"))];
        await until(() => log.began.length === 2);
        const shed = await failsWith(client.wait("c"), "RESOURCE_EXHAUSTED", "no");
        holds(typeof shed.retryAfterMs === "number", "the server says when to come again");
        for (const release of log.release) release();
        same(await Promise.all(open), ["a done", "b done"]);
        same(await client.echo(1), 1);
      },
      { server: { maxCalls: 2 } },
    );

    check("a thousand calls at once", async ({ client }) => {
      const all = await Promise.all(Array.from({ length: 1000 }, (_, i) => client.echo(i)));
      holds(
        all.every((one, i) => one === i),
        "every call has its own answer",
      );
    });

    check("a server that closes lets open calls end, and refuses new ones", async ({ client, server, log }) => {
      const open = aside(client.wait("a"));
      await until(() => log.began.length === 1);
      const closed = server.close();
      await failsWith(client.echo(1), "UNAVAILABLE", "no");
      for (const release of log.release) release();
      same(await open, "a done");
      await closed;
    });

    check("a server that closes at once ends everything and tells the handlers", async ({ client, server, log }) => {
      const open = aside(
        Promise.all([
          failsWith(client.wait("a"), "UNAVAILABLE"),
          failsWith(collect(client.endless("b")), "UNAVAILABLE"),
        ]),
      );
      await until(() => log.began.length === 2);
      await server.close({ graceMs: 0 });
      await open;
      await until(() => log.aborted.length === 2 && log.finished === 1);
    });

    check("a client that closes ends its calls, and begins none", async ({ client, transport, log }) => {
      const open = aside(failsWith(client.wait("a"), "UNAVAILABLE"));
      await until(() => log.began.length === 1);
      await Promise.all([transport.close(), transport.close()]);
      await open;
      await until(() => log.aborted.length === 1);
      await failsWith(client.echo(1), "UNAVAILABLE", "no");
    });

    check("a client that closes with grace lets its calls end", async ({ client, transport, log }) => {
      const open = aside(client.wait("a"));
      await until(() => log.began.length === 1);
      const closed = transport.close({ graceMs: 60_000 });
      await failsWith(client.echo(1), "UNAVAILABLE", "no");
      for (const release of log.release) release();
      same(await open, "a done");
      await closed;
    });

    check("a server that is gone in the middle of calls, and comes back", async (ends) => {
      const { client, log } = ends;
      const open = aside(failsWith(client.wait("a"), "UNAVAILABLE"));
      await until(() => log.began.length === 1);
      await ends.goAway();
      await open;
      await failsWith(client.echo(1), "UNAVAILABLE", "no");
      const patient = aside(client.echo("patient", { waitForReady: true, timeoutMs: 60_000 }));
      await ends.listen();
      same(await patient, "patient");
      same(await client.echo(2), 2);
    });

    check("a call that was given up while it waited for a connection is never sent", async (ends) => {
      const { client, log } = ends;
      await client.echo(1);
      await ends.goAway();
      const controller = new AbortController();
      const cancelled = failsWith(
        client.wait("cancelled", { waitForReady: true, signal: controller.signal }),
        "CANCELLED",
        undefined,
      );
      const late = failsWith(client.wait("late", { waitForReady: true, timeoutMs: 20 }), "DEADLINE_EXCEEDED");
      controller.abort();
      await Promise.all([cancelled, late]);
      await ends.listen();
      same(await client.echo("after", { waitForReady: true, timeoutMs: 60_000 }), "after");
      same(log.began, []);
    });
  });
}

/** 16 MiB in messages of 16 KiB: more than sockets and windows may hold. */
const total = 1024;
const pad = 16 * 1024;

/** A server and a client of the suite's service. */
class Ends {
  readonly transport: ClientTransport;
  readonly client: Client<typeof Compliance>;
  server: Server;
  readonly log: HandlerLog = { began: [], aborted: [], finished: 0, sent: 0, release: [], reading: Promise.resolve() };
  readonly #pair: TransportPair;
  readonly #newServer: () => Server;
  #listening: Listening | undefined;

  constructor(pair: TransportPair, codec: Codec, serverLimits: Partial<Limits>) {
    this.#pair = pair;
    this.#newServer = () =>
      createServer({ codecs: [codec], limits: serverLimits, onError: () => {} }).add(
        Compliance,
        handlersWith(this.log),
      );
    this.server = this.#newServer();
    // The address is known once the server listens, so the transport is made when it is first asked for.
    let transport: ClientTransport | undefined;
    const real = (): ClientTransport => (transport ??= pair.client(this.#listening?.address ?? ""));
    this.transport = {
      get address() {
        return real().address;
      },
      handle: (call, responses) => real().handle(call, responses),
      close: (how) => real().close(how),
      [Symbol.asyncDispose]: () => real()[Symbol.asyncDispose](),
    };
    this.client = createClient(Compliance, { transport: this.transport, codec, timeoutMs: 120_000 });
  }

  /** Starts the server, or a new one in place of that which went away. */
  async listen(): Promise<void> {
    if (this.#listening !== undefined) this.server = this.#newServer();
    this.#listening = await this.server.listen(this.#pair.server(this.#listening?.address));
  }

  /** Ends the server at once. */
  goAway(): Promise<void> {
    return this.server.close({ graceMs: 0 });
  }

  async close(): Promise<void> {
    for (const release of this.log.release) release();
    await this.transport.close();
    await this.server.close({ graceMs: 0 });
  }
}

function outgoing(method: Method, codec: Codec): OutgoingCall {
  return {
    method,
    codec: methodCodec(codec, method),
    metadata: undefined,
    deadline: Infinity,
    values: undefined,
    attempt: 1,
    waitForReady: false,
    avoid: undefined,
  };
}

async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

function* numbers(n: number): Generator<{ i: number; pad: string }> {
  for (let i = 0; i < n; i++) yield { i, pad: "" };
}

function* texts(n: number): Generator<string> {
  for (let i = 0; i < n; i++) yield String(i);
}
