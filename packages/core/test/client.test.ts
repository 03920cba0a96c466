import { getEventListeners } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  type CallContext,
  clientInterceptor,
  createClient,
  createServer,
  Metadata,
  type ResponseSink,
  RpcError,
  serverInterceptor,
  serverStream,
  service,
  type,
  unary,
} from "../src/index.ts";
import { fakeClock } from "./clock.ts";
import { Echo, kindNames, kinds, pair } from "./contract.ts";
import { direct, textCodec } from "./direct.ts";
import { collect, rejection, rpcRejection, settled } from "./waits.ts";

afterEach(() => {
  vi.useRealTimers();
});

const never = {
  say: () => new Promise<string>(() => {}),
  list: () => stuck(),
  sum: () => new Promise<number>(() => {}),
  talk: () => stuck(),
};

async function* stuck(): AsyncGenerator<never> {
  yield await new Promise<never>(() => {});
}

describe("createClient", () => {
  test("says which option is missing or unusable", () => {
    const { client: transport } = direct();
    const codec = textCodec();
    expect(() => createClient(Echo, undefined as never)).toThrow(/needs a `transport`/);
    expect(() => createClient(Echo, { codec } as never)).toThrow(/needs a `transport`/);
    expect(() => createClient(Echo, { transport } as never)).toThrow(/needs a `codec`/);
    expect(() => createClient(Echo, { transport, codec: "json" as never })).toThrow(/needs a `codec`/);
    for (const timeoutMs of [0, -1, NaN])
      expect(() => createClient(Echo, { transport, codec, timeoutMs })).toThrow(/`timeoutMs` must be positive/);
    expect(() => createClient(Echo, { transport, codec, metadata: { ä: "1" } })).toThrow(/metadata key/);
  });

  test("makes a stub whose methods are its own, and which can be awaited by mistake", async () => {
    const { client } = await pair();
    expect(Object.keys(client)).toEqual(["say", "list", "sum", "talk"]);
    expect((client as { then?: unknown }).then).toBeUndefined();
    // oxlint-disable-next-line typescript/await-thenable
    expect(await client).toBe(client);
    const { say } = client;
    expect(await say("alone")).toBe("re: alone");
  });

  test.each(kindNames)("%s works", async (kind) => {
    const { client, server } = await pair();
    expect(await kinds[kind](client)).toEqual({ say: "re: a", list: [1, 2], sum: 3, talk: ["re: a", "re: b"] }[kind]);
    expect(server.openCalls).toBe(0);
  });

  test("requests may be arrays, generators, or a function that pushes", async () => {
    const { client } = await pair();
    expect(await client.sum([1, 2, 3])).toBe(6);
    expect(
      await client.sum(
        (async function* () {
          yield* [1, 2];
        })(),
      ),
    ).toBe(3);
    expect(
      await client.sum(async (out) => {
        for (const one of [4, 5]) if (!out.send(one)) await out.ready();
      }),
    ).toBe(9);
    expect(await client.sum((out) => void out.send(1))).toBe(1);
  });

  test("requests that throw cancel the call and are its cause", async () => {
    const mine = new Error("mine");
    let seen: unknown;
    const { client } = await pair({
      handlers: {
        async sum(requests) {
          seen = await rejection(collect(requests));
          return 0;
        },
      },
    });
    const failing = [
      (async function* () {
        yield 1;
        throw mine;
      })(),
      () => {
        throw mine;
      },
      () => Promise.reject(mine),
    ];
    for (const requests of failing) {
      expect(await rpcRejection(client.sum(requests))).toMatchObject({ code: "CANCELLED", cause: mine });
      await settled();
      expect(seen).toMatchObject({ code: "CANCELLED" });
    }
  });

  test("when the server answers early, the requests end where they are", async () => {
    const log: string[] = [];
    const { client } = await pair({ handlers: { sum: async (requests) => (await requests.next()).value ?? 0 } });
    const sum = await client.sum(
      (async function* () {
        try {
          yield 1;
          await new Promise<void>((resolve) => setImmediate(resolve));
          yield 2;
          await new Promise(() => {});
        } finally {
          log.push("finally");
        }
      })(),
    );
    expect(sum).toBe(1);
    await vi.waitFor(() => expect(log).toEqual(["finally"]));
  });
});

describe("time", () => {
  test("calls with one response have thirty seconds, streams of responses as long as they like", async () => {
    fakeClock();
    const { client, server } = await pair({ handlers: never });
    const errors = [rpcRejection(client.say("a")), rpcRejection(client.sum([]))];
    const open = [client.list(1), client.talk([])];
    const reads = open.map((one) => rpcRejection(one.next() as Promise<unknown>));
    await vi.advanceTimersByTimeAsync(29_999);
    expect(server.openCalls).toBe(4);
    await vi.advanceTimersByTimeAsync(20);
    for (const error of await Promise.all(errors)) {
      expect(error.code).toBe("DEADLINE_EXCEEDED");
      expect(error.explain).toMatchObject({
        timeoutMs: 30_000,
        stopped: "deadline",
        attempts: [{ phase: "waiting", peer: "direct", code: "DEADLINE_EXCEEDED" }],
      });
      expect(error.explanation).toMatch(/^after 30\d\d\d ms of 30000 ms: waiting for direct/);
    }
    await vi.advanceTimersByTimeAsync(1e7);
    expect(server.openCalls).toBe(2);
    for (const one of open) one.cancel();
    expect(server.openCalls).toBe(0);
    void reads.map((one) => one.catch(() => {}));
  });

  test("the client's timeout is the default of all its calls, Infinity turns it off", async () => {
    fakeClock();
    const { client, server } = await pair({ handlers: never, client: { timeoutMs: 50 } });
    const call = rpcRejection(collect(client.list(1)));
    const controller = new AbortController();
    const endless = rpcRejection(client.say("a", { timeoutMs: Infinity, signal: controller.signal }));
    await vi.advanceTimersByTimeAsync(70);
    expect((await call).code).toBe("DEADLINE_EXCEEDED");
    await vi.advanceTimersByTimeAsync(1e6);
    expect(server.openCalls).toBe(1);
    controller.abort();
    await endless;
  });

  test("a timeout of NaN is refused, and the error says why", async () => {
    const { client, link } = await pair();
    expect(await rpcRejection(client.say("a", { timeoutMs: NaN }))).toMatchObject({
      code: "INTERNAL",
      processed: "no",
      rawMessage: "timeoutMs must be a number of milliseconds, not NaN",
    });
    expect(link.started).toBe(0);
  });

  test.each([0, -5])("a timeout of %s leaves no time to begin", async (timeoutMs) => {
    const { client, link } = await pair();
    for (const call of [client.say("a", { timeoutMs }), collect(client.talk([], { timeoutMs }))]) {
      expect(await rpcRejection(call)).toMatchObject({ code: "DEADLINE_EXCEEDED", processed: "no" });
    }
    expect(link.started).toBe(0);
  });

  test("past the deadline it is DEADLINE_EXCEEDED, whatever the peer's reset says", async () => {
    fakeClock();
    const { client } = await pair({
      use: [
        {
          name: "network",
          stage: "balance",
          wrap: () => (_, responses: ResponseSink) => {
            setTimeout(() => responses.end(new RpcError("CANCELLED", "reset", { remote: true }), undefined), 100);
            return { message: () => true, end() {}, cancel() {}, ready() {}, progress: () => ({ phase: "waiting" }) };
          },
        },
      ],
    });
    const call = rpcRejection(client.say("a", { timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(100);
    expect(await call).toMatchObject({ code: "DEADLINE_EXCEEDED", cause: { rawMessage: "reset" } });
  });

  test("a transport that never answers does not keep the caller", async () => {
    fakeClock();
    let cancelled = 0;
    const { client } = await pair({
      use: [
        {
          name: "black hole",
          stage: "balance",
          wrap: () => () => ({
            message: () => true,
            end() {},
            cancel: () => void cancelled++,
            ready() {},
            progress: () => ({ phase: "waiting" }),
          }),
        },
      ],
    });
    const calls = kindNames.map((kind) => rpcRejection(kinds[kind]({ ...client })));
    const short = rpcRejection(client.say("a", { timeoutMs: 10 }));
    await vi.advanceTimersByTimeAsync(40_000);
    expect((await short).code).toBe("DEADLINE_EXCEEDED");
    expect((await (calls[0] as Promise<RpcError>)).code).toBe("DEADLINE_EXCEEDED");
    expect(cancelled).toBe(3);
  });

  test("the wait for the first message and silence after it have limits of their own", async () => {
    fakeClock();
    const sends: ((n: number) => void)[] = [];
    const { client, server } = await pair({
      handlers: { list: { push: (_, out) => new Promise<void>(() => sends.push((n) => void out.send(n))) } },
    });
    const options = { firstMessageTimeoutMs: 1000, idleTimeoutMs: 100 };
    const silent = rpcRejection(collect(client.list(1, options)));
    await vi.advanceTimersByTimeAsync(990);
    expect(server.openCalls).toBe(1);
    await vi.advanceTimersByTimeAsync(40);
    expect(await silent).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      rawMessage: "test.v1.Echo/list sent no first message in time",
    });

    const got: number[] = [];
    const idle = rpcRejection(client.list(1, options).forEach((n) => got.push(n)));
    await vi.advanceTimersByTimeAsync(500);
    for (let i = 0; i < 5; i++) {
      sends[1]?.(i);
      await vi.advanceTimersByTimeAsync(90);
    }
    expect(server.openCalls).toBe(1);
    await vi.advanceTimersByTimeAsync(40);
    expect(await idle).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      rawMessage: "test.v1.Echo/list sent nothing more in time",
    });
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(server.openCalls).toBe(0);
  });

  test("a reader that takes its time is not the sender's silence", async () => {
    fakeClock();
    const { client } = await pair();
    const got: number[] = [];
    const done = client.list(3, { idleTimeoutMs: 50 }).forEach(async (n) => {
      got.push(n);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    });
    await vi.advanceTimersByTimeAsync(5000);
    await done;
    expect(got).toEqual([1, 2, 3]);
  });
});

describe("signals", () => {
  test("one that has aborted already begins nothing", async () => {
    const { client, link } = await pair();
    const signal = AbortSignal.abort();
    for (const call of [
      client.say("a", { signal }),
      collect(client.list(1, { signal })),
      client.sum([1], { signal }),
      collect(client.talk(["a"], { signal })),
    ]) {
      expect(await rpcRejection(call)).toMatchObject({
        code: "CANCELLED",
        processed: "no",
        explain: { stopped: "cancelled" },
      });
    }
    expect(link.started).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("aborting ends every kind, reaches the handler, and leaves nothing", async () => {
    for (const kind of kindNames) {
      const controller = new AbortController();
      const { signal } = controller;
      const reasons: unknown[] = [];
      const watch = (context: CallContext): void =>
        context.signal.addEventListener("abort", () => reasons.push(context.signal.reason));
      const { client, link, server } = await pair({
        handlers: {
          say: (_, context) => (watch(context), never.say()),
          list: (_, context) => (watch(context), stuck()),
          sum: (_, context) => (watch(context), never.sum()),
          talk: (_, context) => (watch(context), stuck()),
        },
      });
      const calls = {
        say: () => client.say("a", { signal }),
        list: () => collect(client.list(1, { signal })),
        sum: () => client.sum([1], { signal }),
        talk: () => collect(client.talk(["a"], { signal })),
      };
      const call = rpcRejection(calls[kind]());
      await settled();
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      controller.abort(new Error("the user left"));
      expect(await call).toMatchObject({ code: "CANCELLED", rawMessage: "the user left" });
      expect(reasons).toEqual([expect.objectContaining({ code: "CANCELLED" })]);
      expect(reasons[0]).toBeInstanceOf(RpcError);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      expect(link.open).toBe(0);
      expect(server.openCalls).toBe(0);
    }
  });

  test("calls that end by themselves leave no listener", async () => {
    const { client } = await pair();
    const { signal } = new AbortController();
    await client.say("a", { signal });
    await collect(client.list(2, { signal }));
    await client.sum([1], { signal });
    for await (const _ of client.talk(["a", "b"], { signal })) break;
    await rpcRejection(client.say("a", { signal, timeoutMs: 0 }));
    await rpcRejection(client.say("a", { signal, metadata: { ä: "" } }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("AbortSignal.timeout is a deadline", async () => {
    const { client } = await pair({ handlers: never });
    expect(await rpcRejection(client.say("a", { signal: AbortSignal.timeout(1) }))).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(
      await rpcRejection(client.say("a", { signal: AbortSignal.abort(new DOMException("", "TimeoutError")) })),
    ).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      processed: "no",
    });
  });

  test("after an abort no message is delivered", async () => {
    const controller = new AbortController();
    const { client } = await pair();
    const stream = client.list(5, { signal: controller.signal });
    expect((await stream.next()).value).toBe(1);
    await settled();
    controller.abort();
    expect(await rpcRejection(stream.next() as Promise<unknown>)).toMatchObject({ code: "CANCELLED" });
  });

  test("aborting while an interceptor begins leaves nothing behind", async () => {
    const controller = new AbortController();
    const { client, link, server } = await pair({
      use: [clientInterceptor("abort", "trace", { start: () => controller.abort() })],
    });
    expect(await rpcRejection(client.say("a", { signal: controller.signal }))).toMatchObject({ code: "CANCELLED" });
    expect(link.open).toBe(0);
    expect(server.openCalls).toBe(0);
  });

  test("leaving a stream early cancels it", async () => {
    const { client, server, link } = await pair({
      handlers: {
        list: async function* () {
          for (let i = 0; ; i++) yield i;
        },
      },
    });
    for await (const one of client.list(1)) if (one === 3) break;
    expect(link.open).toBe(0);
    expect(server.openCalls).toBe(0);
  });
});

describe("idempotency keys", () => {
  const Bank = service("test.v1.Bank", {
    pay: unary({ input: type<number>(), output: type<string>(), effect: "keyed" }),
  });
  const link = direct();
  createServer({ codecs: [textCodec()], use: [serverInterceptor("once", "once", {})] })
    .add(Bank, { pay: (_, context) => context.metadata.get("idempotency-key") ?? "none" })
    .listen(link.server)
    .catch(expect.unreachable);

  test("a call that needs one and has none says what to do", async () => {
    const bank = createClient(Bank, { transport: link.client, codec: textCodec() });
    const error = await rpcRejection(bank.pay(1));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", processed: "no" });
    expect(error.rawMessage).toMatch(/test\.v1\.Bank\/pay is keyed.*stage "key".*"idempotency-key"/);
    expect(link.started).toBe(0);
  });

  test("the caller or an interceptor may give it", async () => {
    const bank = createClient(Bank, { transport: link.client, codec: textCodec() });
    expect(await bank.pay(1, { metadata: { "idempotency-key": "mine" } })).toBe("mine");
    const key = clientInterceptor("key", "key", {
      start(call) {
        call.metadata = new Metadata(call.metadata).set("idempotency-key", "made");
      },
    });
    expect(await createClient(Bank, { transport: link.client, codec: textCodec(), use: [key] }).pay(1)).toBe("made");
  });
});

describe("the context of a handler", () => {
  async function chain(
    run: (context: CallContext, inner: Awaited<ReturnType<typeof pair>>["client"]) => Promise<string>,
  ) {
    const inner = await pair({ handlers: { say: (text) => (text === "wait" ? new Promise<string>(() => {}) : text) } });
    const outer = await pair({ handlers: { say: (_, context) => run(context, inner.client) } });
    return { inner, outer };
  }

  test("lends its deadline, and the earlier of two counts", async () => {
    const seen: number[] = [];
    const { outer } = await chain(async (context, inner) => {
      const record = { context, onHeader: () => {} };
      await inner.say("a", record);
      seen.push(context.deadline);
      return "x";
    });
    await outer.client.say("a", { timeoutMs: 5000 });
    expect(seen).toHaveLength(1);

    fakeClock();
    const errors: RpcError[] = [];
    const later = await chain(async (context, inner) => {
      errors.push(await rpcRejection(inner.say("wait", { context, timeoutMs: 50 })));
      errors.push(await rpcRejection(inner.say("wait", { context, timeoutMs: 1000 })));
      return "x";
    });
    const call = rpcRejection(later.outer.client.say("a", { timeoutMs: 200 }));
    await vi.advanceTimersByTimeAsync(80);
    expect(errors).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(140);
    expect((await call).code).toBe("DEADLINE_EXCEEDED");
    await vi.advanceTimersByTimeAsync(40);
    expect(errors.map((one) => one.code)).toEqual(["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
    expect(later.inner.server.openCalls).toBe(0);
  });

  test("cancels what it began", async () => {
    const errors: RpcError[] = [];
    const { outer, inner } = await chain(async (context, client) => {
      errors.push(await rpcRejection(client.say("wait", { context })));
      return "x";
    });
    const controller = new AbortController();
    const call = rpcRejection(outer.client.say("a", { signal: controller.signal }));
    await settled();
    expect(inner.server.openCalls).toBe(1);
    controller.abort();
    await call;
    await settled();
    expect(errors).toMatchObject([{ code: "CANCELLED" }]);
    expect(inner.server.openCalls).toBe(0);
  });

  test("that is over begins nothing", async () => {
    let late: CallContext | undefined;
    const { outer, inner } = await chain(async (context) => {
      late = context;
      return new Promise<string>(() => {});
    });
    fakeClock();
    const call = rpcRejection(outer.client.say("a", { timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(100);
    await call;
    expect(await rpcRejection(inner.client.say("a", { context: late as CallContext }))).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      processed: "no",
    });
    expect(inner.link.started).toBe(0);
  });

  test("is found by `ambient` where a call names none", async () => {
    const { inner } = await chain(async () => "x");
    let ambient: CallContext | undefined;
    const outer = await pair({
      handlers: {
        async say(_, context) {
          ambient = context;
          return createClient(Echo, { transport: inner.link.client, codec: textCodec(), ambient: () => ambient }).say(
            "wait",
          );
        },
      },
    });
    const controller = new AbortController();
    const call = rpcRejection(outer.client.say("a", { signal: controller.signal }));
    await settled();
    expect(inner.server.openCalls).toBe(1);
    controller.abort();
    await call;
    expect(inner.server.openCalls).toBe(0);
  });
});

describe("metadata", () => {
  test("the client's and the call's are sent together; the call's replaces the same key", async () => {
    const sent: unknown[] = [];
    const { client } = await pair({
      client: { metadata: { a: ["1", "2"], b: "1" } },
      handlers: { say: (_, context) => (sent.push(context.metadata.toJSON()), "x") },
    });
    await client.say("x");
    await client.say("x", { metadata: { A: "3", c: "4" } });
    await client.say("x");
    expect(sent).toEqual([
      { a: ["1", "2"], b: ["1"] },
      { b: ["1"], a: ["3"], c: ["4"] },
      { a: ["1", "2"], b: ["1"] },
    ]);
  });

  test("that cannot be sent ends the call", async () => {
    const { client, link } = await pair();
    expect(await rpcRejection(client.say("x", { metadata: { k: "ä" } }))).toMatchObject({
      code: "INTERNAL",
      processed: "no",
    });
    expect(link.started).toBe(0);
  });

  test.each(kindNames)("%s hears header and trailer", async (kind) => {
    const log: string[] = [];
    const set = (context: CallContext): void => {
      context.responseHeader.set("h", "1");
      context.responseTrailer.set("t", "2");
    };
    const { client } = await pair({
      handlers: {
        say: (text, context) => (set(context), text),
        list: (_, context) => (set(context), []),
        sum: (_, context) => (set(context), 1),
        talk: async function* (_, context) {
          set(context);
          yield "x";
        },
      },
    });
    const options = {
      onHeader: (header: Metadata) => void log.push(`header ${header.get("h")}`),
      onTrailer: (trailer: Metadata) => void log.push(`trailer ${trailer.get("t")}`),
    };
    await {
      say: () => client.say("a", options),
      list: () => collect(client.list(1, options)),
      sum: () => client.sum([], options),
      talk: () => collect(client.talk([], options)),
    }[kind]();
    expect(log).toEqual(["header 1", "trailer 2"]);
  });

  test("a failed call's trailers are heard too, and on its error", async () => {
    let heard: Metadata | undefined;
    const { client } = await pair({
      handlers: {
        say(_, context) {
          context.responseTrailer.set("t", "1");
          throw new RpcError("ABORTED", "", { metadata: new Metadata({ e: "2" }) });
        },
      },
    });
    await rpcRejection(client.say("a", { onTrailer: (trailer) => (heard = trailer) }));
    expect(heard?.toJSON()).toEqual({ t: ["1"], e: ["2"] });
  });

  test("a callback that throws breaks nothing and is not swallowed", async () => {
    const { client } = await pair({ handlers: { say: (text, context) => (context.sendHeader(), text) } });
    const uncaught: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    try {
      const mine = new Error("mine");
      const fail = (): never => {
        throw mine;
      };
      expect(await client.say("a", { onHeader: fail, onTrailer: fail })).toBe("a");
      await vi.waitFor(() => expect(uncaught).toEqual([mine, mine]));
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const one of before) process.on("uncaughtException", one);
    }
  });
});

describe("responses", () => {
  const schema = z.object({ at: z.string().transform((text) => text.length) });
  const Typed = service("test.v1.Typed", {
    one: unary({ input: type<string>(), output: schema }),
    many: serverStream({ input: type<string>(), output: z.number().refine(async (n) => n < 3) }),
  });

  test("are validated and transformed; what is not valid ends the call with INTERNAL", async () => {
    const link = direct();
    const server = createServer({ codecs: [textCodec()] }).add(Typed, {
      one: (text) => (text === "bad" ? ({ at: 5 } as never) : { at: text }),
      many: async function* () {
        yield* [1, 2, 3, 1];
      },
    });
    await server.listen(link.server);
    const client = createClient(Typed, { transport: link.client, codec: textCodec() });
    expect(await client.one("four")).toEqual({ at: 4 });
    expect(await rpcRejection(client.one("bad"))).toMatchObject({
      code: "INTERNAL",
      processed: "yes",
      rawMessage: expect.stringMatching(/at: /),
    });
    const got: number[] = [];
    const error = await rpcRejection(client.many("").forEach((n) => got.push(n)));
    expect(got).toEqual([1, 2]);
    expect(error.code).toBe("INTERNAL");
    expect(link.open).toBe(0);
    expect(server.openCalls).toBe(0);
  });

  test.each([
    [
      "answers twice",
      (responses: ResponseSink) => (
        responses.message("a"),
        responses.message("b"),
        responses.end(undefined, undefined)
      ),
    ],
    ["ends without an answer", (responses: ResponseSink) => responses.end(undefined, undefined)],
  ])("a peer that %s is an INTERNAL error", async (_, answer) => {
    const transport = {
      ...direct().client,
      handle: (_call: unknown, responses: ResponseSink) => ({
        message: () => (answer(responses), true),
        end() {},
        cancel() {},
        ready() {},
        progress: () => ({ phase: "waiting" as const }),
      }),
    };
    const client = createClient(Echo, { transport, codec: textCodec() });
    expect(await rpcRejection(client.say("a"))).toMatchObject({ code: "INTERNAL" });
  });
});
