// What is expected differs by side and kind of a parametrised test.
/* oxlint-disable vitest/no-conditional-expect */
import { afterEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";
import {
  bidiStream,
  type CallAcceptor,
  type CallContext,
  createClient,
  createServer,
  failure,
  InvalidMessage,
  type Listening,
  RpcError,
  type Schema,
  type ServerOptions,
  serverInterceptor,
  service,
  type,
  unary,
} from "../src/index.ts";
import { fakeClock } from "./clock.ts";
import { Echo, echoHandlers, kindNames, kinds, pair } from "./contract.ts";
import { direct, textCodec } from "./direct.ts";
import { collect, rejection, rpcRejection, settled } from "./waits.ts";

afterEach(() => {
  vi.useRealTimers();
});

const make = (options: Partial<ServerOptions> = {}) => createServer({ codecs: [textCodec()], ...options });
const any = { input: type<unknown>(), output: type<unknown>() };

describe("createServer", () => {
  test("says which option is missing or unusable", async () => {
    expect(() => createServer({} as never)).toThrow(/at least one codec/);
    expect(() => make({ codecs: [] })).toThrow(/at least one codec/);
    expect(() => make({ codecs: [textCodec(), textCodec()] })).toThrow('two codecs are called "text"');
    expect(() => make({ limits: { maxCalls: 0 } })).toThrow(/maxCalls/);
    expect(() => make({ use: [{ ...serverInterceptor("x", "auth", {}), stage: "retry" as never }] })).toThrow(
      /"x" names stage "retry"/,
    );
    expect(await rejection(make().listen({} as never))).toMatchObject({
      message: expect.stringMatching(/needs a server transport/),
    });
  });
});

describe("add", () => {
  test("a service twice is refused", () => {
    expect(() => make().add(Echo, echoHandlers).add(Echo, echoHandlers)).toThrow(
      "service test.v1.Echo is registered twice",
    );
  });

  test("missing and unknown handlers are named", () => {
    const { say, list: _list, ...rest } = echoHandlers;
    expect(() => make().add(Echo, rest as never)).toThrow("lacks handlers: say, list");
    expect(() => make().add(Echo, { ...echoHandlers, say: "text" } as never)).toThrow("lacks handlers: say");
    expect(() => make().add(Echo, { ...echoHandlers, sai: say } as never)).toThrow("no methods called sai");
  });

  test("what every object has is nobody's handler", () => {
    const Odd = service("test.v1.Odd", { toString: unary(any), constructor: unary(any) });
    expect(() => make().add(Odd, {} as never)).toThrow("lacks handlers: toString, constructor");
    class Half {
      other(): void {}
    }
    expect(() => make().add(Echo, new Half() as never)).toThrow("lacks handlers: say, list, sum, talk");
  });

  test("handlers may be the methods of a class's instance, which may have fields and other methods", async () => {
    class Base {
      say(text: string): string {
        return `${this.prefix}${text}`;
      }
      prefix = "re: ";
    }
    class Handlers extends Base {
      #secret = 5;
      readonly other = {};
      async *list(n: number) {
        yield n + this.#secret;
      }
      async sum(requests: AsyncIterable<number>) {
        return (await collect(requests)).length + this.#secret;
      }
      talk = { async push() {} };
      helper(): void {}
    }
    const link = direct();
    await make().add(Echo, new Handlers()).listen(link.server);
    const client = createClient(Echo, { transport: link.client, codec: textCodec() });
    expect(await client.say("a")).toBe("re: a");
    expect(await collect(client.list(1))).toEqual([6]);
    expect(await client.sum([1])).toBe(6);
    expect(await collect(client.talk([]))).toEqual([]);
  });
});

describe("promises that need an interceptor", () => {
  const Keyed = service("test.v1.Keyed", {
    pay: unary({ ...any, effect: "keyed" }),
    once: unary({ ...any, effect: "at-most-once" }),
  });
  const handlers = { pay: () => 1, once: () => 1 };

  test("without one the server does not listen, and says what to do", async () => {
    const server = make().add(Keyed, handlers);
    const error = (await rejection(server.listen(direct().server))) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(/test\.v1\.Keyed\/pay is keyed.*no interceptor of stage "once".*`use`/);
  });

  test("added while it listens, such a service is refused and not there", async () => {
    const link = direct();
    const server = make().add(Echo, echoHandlers);
    await server.listen(link.server);
    expect(() => server.add(Keyed, handlers)).toThrow(/pay is keyed/);
    expect(server.services).toEqual([Echo]);
    expect(link.acceptor.resolve("test.v1.Keyed/pay", "unary", "text")).toBeInstanceOf(RpcError);
  });

  test("with one it listens and announces it", async () => {
    const link = direct();
    await make({ use: [serverInterceptor("once", "once", {})] })
      .add(Keyed, handlers)
      .listen(link.server);
    expect(link.acceptor.features).toEqual(["idempotency-key"]);
    const other = direct();
    await make().listen(other.server);
    expect(other.acceptor.features).toEqual([]);
  });
});

describe("auth", () => {
  test("what it returns, at once or later, is the handler's principal, with its type", async () => {
    for (const auth of [() => ({ user: "ann" }), async () => ({ user: "ann" })]) {
      const link = direct();
      const server = createServer({ codecs: [textCodec()], auth });
      server.add(Echo, {
        ...echoHandlers,
        say(_, context) {
          expectTypeOf(context.principal).toEqualTypeOf<{ user: string }>();
          return context.principal.user;
        },
      });
      await server.listen(link.server);
      expect(await createClient(Echo, { transport: link.client, codec: textCodec() }).say("a")).toBe("ann");
    }
  });

  test("a thenable that is no Promise is waited for", async () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const query = { then: (done: (user: string) => void) => done("bob") };
    const { client } = await pair({
      server: { auth: () => query },
      handlers: { say: (_, context) => `${context.principal as string}` },
    });
    expect(await client.say("a")).toBe("bob");
  });

  test("runs before validation and sees method, peer and metadata", async () => {
    const seen: unknown[] = [];
    const { client } = await pair({
      server: {
        auth(call) {
          seen.push(call.method.fullName, call.peer.address, call.metadata?.get("token"));
          throw new RpcError("UNAUTHENTICATED", "who?");
        },
      },
    });
    expect(await rpcRejection(client.say(5 as never, { metadata: { token: "t" } }))).toMatchObject({
      code: "UNAUTHENTICATED",
    });
    expect(seen).toEqual(["test.v1.Echo/say", "direct", "t"]);
  });

  test.each(kindNames)("an RpcError, thrown or rejected with, refuses %s", async (kind) => {
    const refusal = new RpcError("PERMISSION_DENIED", "not you");
    let handled = 0;
    const handlers = Object.fromEntries(kindNames.map((name) => [name, () => (handled++, [])])) as never;
    for (const auth of [
      () => Promise.reject(refusal),
      () => {
        throw refusal;
      },
    ]) {
      const { client, errors, server } = await pair({ server: { auth }, handlers });
      expect(await rpcRejection(kinds[kind](client))).toMatchObject({
        code: "PERMISSION_DENIED",
        rawMessage: "not you",
        processed: "no",
      });
      expect(errors).toEqual([]);
      expect(server.openCalls).toBe(0);
    }
    expect(handled).toBe(0);
  });

  test("anything else that it throws is told to onError alone", async () => {
    const bug = new Error("connect to users-db:5432 failed");
    const { client, errors } = await pair({
      server: {
        auth: () => {
          throw bug;
        },
      },
    });
    const error = await rpcRejection(client.say("a"));
    expect(error).toMatchObject({ code: "UNKNOWN", processed: "no" });
    expect(error.message).not.toContain("users-db");
    expect(errors).toHaveLength(1);
    expect(errors[0]?.error.cause).toBe(bug);
  });
});

describe("what handlers throw", () => {
  const Short = failure("test.v1.Short", { data: type<{ missing: number }>() });
  const Hidden = failure("test.v1.Hidden", { data: type<string>() });
  const Bank = service("test.v1.Bank", {
    draw: unary({ input: type<string>(), output: type<string>(), errors: [Short] }),
    watch: bidiStream({ input: type<string>(), output: type<string>(), errors: [Short] }),
  });
  const bank = async (fail: (context: CallContext) => unknown) => {
    const errors: RpcError[] = [];
    const link = direct();
    const server = make({ onError: (error) => errors.push(error) }).add(Bank, {
      draw: async (_, context) => {
        throw await fail(context);
      },
      watch: async function* (_, context) {
        yield "first";
        throw await fail(context);
      },
    });
    await server.listen(link.server);
    return { client: createClient(Bank, { transport: link.client, codec: textCodec() }), errors, link, server };
  };

  test("an RpcError crosses with its code, message and declared details; it was processed", async () => {
    const { client, errors } = await bank(
      () =>
        new RpcError("NOT_FOUND", "no account", {
          retryAfterMs: 7,
          details: [...Short({ missing: 2 }).details, ...Hidden("s").details],
        }),
    );
    for (const call of [client.draw(""), collect(client.watch([]))]) {
      const error = await rpcRejection(call);
      expect(error).toMatchObject({
        code: "NOT_FOUND",
        rawMessage: "no account",
        processed: "yes",
        retryAfterMs: 7,
        remote: true,
      });
      expect(Short.is(error) && error.data.missing).toBe(2);
      expect(Hidden.is(error)).toBe(false);
    }
    expect(errors).toEqual([]);
  });

  test("a codec that was not made is refused", () => {
    const cbor = () => textCodec();
    expect(() => createServer({ codecs: [cbor as never] })).toThrow("is it cbor without ()?");
  });

  test("anything else crosses as a neutral UNKNOWN, and onError hears it", async () => {
    for (const thrown of [new TypeError("secret"), "secret", undefined, { secret: 1 }]) {
      const { client, errors } = await bank(() => thrown);
      for (const call of [client.draw(""), collect(client.watch([]))]) {
        const error = await rpcRejection(call);
        expect(error).toMatchObject({
          code: "UNKNOWN",
          rawMessage: "the handler failed",
          processed: "yes",
          details: [],
        });
        expect(JSON.stringify(error)).not.toContain("secret");
      }
      if (thrown !== undefined) expect(errors.map((one) => one.cause)).toEqual([thrown, thrown]);
    }
  });

  test("what a peer made a connection's error say cannot steer the terminal", async () => {
    const console = vi.spyOn(globalThis.console, "error").mockImplementation(() => {});
    try {
      let acceptor: CallAcceptor | undefined;
      const listening = { address: "x", drain: async () => {}, close: async () => {} };
      const server = make({});
      await server.listen({ listen: async (one) => ((acceptor = one), listening) });
      acceptor?.report(new RpcError("INTERNAL", "begin\n\u001b[2Jend\u009b"), "10.0.0.7:5");
      expect(console.mock.calls).toEqual([["farcall: 10.0.0.7:5:", "INTERNAL: begin\\x0a\\x1b[2Jend\\x9b"]]);
    } finally {
      console.mockRestore();
    }
  });

  test("onError is told where it happened, and one that throws breaks nothing", async () => {
    const console = vi.spyOn(globalThis.console, "error").mockImplementation(() => {});
    try {
      const fail = {
        say: (): never => {
          throw new Error("bug");
        },
      };
      const { client, errors } = await pair({ handlers: fail });
      await rpcRejection(client.say("a"));
      expect(errors[0]?.source).toMatchObject({ peer: "direct", context: { method: Echo.methods.say } });
      const broken = await pair({
        handlers: fail,
        server: {
          onError: () => {
            throw new Error("logger is broken");
          },
        },
      });
      expect((await rpcRejection(broken.client.say("a"))).code).toBe("UNKNOWN");
      expect(console).toHaveBeenCalledTimes(1);
      const silent = await pair({ handlers: fail, server: { onError: undefined as never } });
      await rpcRejection(silent.client.say("a"));
      expect(console).toHaveBeenCalledTimes(2);
      expect(String(console.mock.calls[1]?.[0])).toContain("test.v1.Echo/say from direct");
    } finally {
      console.mockRestore();
    }
  });

  test("another server's error is not re-sent as ours; relay() is the author's word", async () => {
    const inner = await bank(() => Short({ missing: 9 }));
    const failed = await rpcRejection(inner.client.draw(""));
    const outer = await bank(() => failed);
    expect(await rpcRejection(outer.client.draw(""))).toMatchObject({
      code: "UNKNOWN",
      rawMessage: "the handler failed",
    });
    expect(outer.errors.map((one) => one.cause)).toEqual([failed]);
    const relaying = await bank(() => failed.relay());
    const error = await rpcRejection(relaying.client.draw(""));
    expect(Short.is(error) && error.data.missing).toBe(9);
  });

  test("nor is what a handler's own call failed with on this machine; above all not its `processed`", async () => {
    const unreachable = createClient(Bank, { transport: direct().client, codec: textCodec() });
    const failed = await rpcRejection(unreachable.draw(""));
    expect(failed).toMatchObject({ code: "UNAVAILABLE", processed: "no", remote: false });
    const { client } = await bank(() => failed);
    expect(await rpcRejection(client.draw(""))).toMatchObject({ code: "UNKNOWN", processed: "yes" });
  });

  test("a stream's messages come before its error", async () => {
    const { client } = await bank(() => Short({ missing: 1 }));
    const got: string[] = [];
    const error = await rpcRejection(client.watch([]).forEach((one) => got.push(one)));
    expect(got).toEqual(["first"]);
    expect(Short.is(error)).toBe(true);
  });

  test("an answer that the codec cannot carry ends the call with INTERNAL", async () => {
    const { client } = await pair({ handlers: { say: () => undefined as never } });
    expect((await rpcRejection(client.say("a"))).code).toBe("INTERNAL");
  });

  test.each([() => undefined, async () => 1])(
    "a streaming handler that returns nothing to iterate: %s",
    async (list) => {
      const { client, errors } = await pair({ handlers: { list: list as never } });
      expect((await rpcRejection(collect(client.list(1)))).code).toBe("UNKNOWN");
      expect((errors[0]?.error.cause as Error | undefined)?.message).toMatch(
        /list streams its responses: its handler must be a generator or return something iterable$/,
      );
    },
  );
});

describe("validation of requests", () => {
  const Typed = service("test.v1.Typed", {
    one: unary({
      input: z.object({ n: z.string().transform(Number).pipe(z.number().min(2)) }),
      output: z.date().transform((date) => date.getTime()),
    }),
    many: bidiStream({ input: z.number().max(9), output: type<number>() }),
  });

  test("a handler gets the schema's output, a caller gives its input", async () => {
    const link = direct();
    const seen: unknown[] = [];
    const Plain = service("test.v1.Plain", {
      one: unary({
        input: z.string().transform((text) => text.length),
        output: z.string().transform((text) => text.length),
      }),
    });
    await make()
      .add(Plain, {
        one(length) {
          expectTypeOf(length).toEqualTypeOf<number>();
          seen.push(length);
          return "x".repeat(length * 2);
        },
      })
      .listen(link.server);
    const result = await createClient(Plain, { transport: link.client, codec: textCodec() }).one("four");
    expectTypeOf(result).toEqualTypeOf<number>();
    expect(seen).toEqual([4]);
    expect(result).toBe(8);
  });

  test("what is not valid is refused with its places, before the handler", async () => {
    const link = direct();
    let handled = 0;
    const server = make().add(Typed, { one: () => (handled++, new Date()), many: (requests) => requests });
    await server.listen(link.server);
    const error = await rpcRejection(
      createClient(Typed, { transport: link.client, codec: textCodec() }).one({ n: "1" }),
    );
    expect(error).toMatchObject({
      code: "INVALID_ARGUMENT",
      processed: "no",
      rawMessage: expect.stringMatching(/^the request of test\.v1\.Typed\/one is not what the contract says: n: /),
    });
    expect(InvalidMessage.is(error) && error.data.issues).toEqual([{ path: "n", message: expect.any(String) }]);
    expect(handled).toBe(0);
    expect(server.openCalls).toBe(0);
  });

  test("in the middle of a stream it cancels the handler, which had begun", async () => {
    const link = direct();
    const seen: unknown[] = [];
    const server = make().add(Typed, {
      one: () => new Date(),
      async *many(requests, context) {
        context.signal.addEventListener("abort", () => seen.push((context.signal.reason as RpcError).code));
        for await (const one of requests) yield one;
      },
    });
    await server.listen(link.server);
    const got: number[] = [];
    const error = await rpcRejection(
      createClient(Typed, { transport: link.client, codec: textCodec() })
        .many(async (out) => {
          out.send(1);
          await settled();
          out.send(10);
        })
        .forEach((one) => got.push(one)),
    );
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", processed: "yes" });
    expect(got).toEqual([1]);
    expect(seen).toEqual(["INVALID_ARGUMENT"]);
    expect(server.openCalls).toBe(0);
  });

  test("validators that need time keep the order, and the end behind the last message", async () => {
    const waits: (() => void)[] = [];
    const slow: Schema<number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          (value as number) % 2 === 0
            ? new Promise((resolve) => waits.push(() => resolve({ value: value as number })))
            : { value: value as number },
      },
    };
    const Slow = service("test.v1.Slow", { all: bidiStream({ input: slow, output: type<number>() }) });
    const link = direct();
    await make()
      .add(Slow, { all: (requests) => requests })
      .listen(link.server);
    const all = collect(createClient(Slow, { transport: link.client, codec: textCodec() }).all([1, 2, 3, 4, 5]));
    for (let i = 0; i < 2; i++) {
      await vi.waitFor(() => expect(waits).toHaveLength(i + 1));
      waits[i]?.();
    }
    expect(await all).toEqual([1, 2, 3, 4, 5]);
  });

  test("a validator that throws is a bug, and tells the caller nothing", async () => {
    const bug = new Error("secret");
    const Buggy = service("test.v1.Buggy", {
      one: unary({
        input: {
          "~standard": {
            version: 1,
            vendor: "test",
            validate: () => {
              throw bug;
            },
          },
        } as Schema<number>,
        output: type<number>(),
      }),
    });
    const link = direct();
    const errors: RpcError[] = [];
    await make({ onError: (error) => errors.push(error) })
      .add(Buggy, { one: (n) => n })
      .listen(link.server);
    const error = await rpcRejection(createClient(Buggy, { transport: link.client, codec: textCodec() }).one(1));
    expect(error).toMatchObject({ code: "UNKNOWN", processed: "no" });
    expect(error.message).not.toContain("secret");
    expect(errors[0]?.cause).toBe(bug);
  });

  test("a call that is cancelled while its validator is at work is never handled", async () => {
    let go = (): void => {};
    let handled = 0;
    const Slow = service("test.v1.Slow", {
      one: unary({
        input: {
          "~standard": {
            version: 1,
            vendor: "test",
            validate: (value) => new Promise((resolve) => (go = () => resolve({ value: value as number }))),
          },
        } as Schema<number>,
        output: type<number>(),
      }),
    });
    const link = direct();
    await make()
      .add(Slow, { one: () => ++handled })
      .listen(link.server);
    const controller = new AbortController();
    const call = rpcRejection(
      createClient(Slow, { transport: link.client, codec: textCodec() }).one(1, { signal: controller.signal }),
    );
    controller.abort();
    await call;
    go();
    await settled();
    expect(handled).toBe(0);
  });
});

describe("a handler's context", () => {
  const end = async (how: (link: Awaited<ReturnType<typeof pair>>, abort: AbortController) => unknown) => {
    const contexts: CallContext[] = [];
    const log: string[] = [];
    const set = await pair({
      handlers: {
        async *list(_, context) {
          contexts.push(context);
          context.signal.addEventListener("abort", () =>
            log.push(`signal ${(context.signal.reason as RpcError).code}`),
          );
          try {
            for (let i = 0; ; i++) yield i;
          } finally {
            log.push("finally");
          }
        },
      },
    });
    const controller = new AbortController();
    const stream = set.client.list(1, { signal: controller.signal, timeoutMs: 60_000 });
    await stream.next();
    const read = stream
      .next()
      .then(() => stream.next())
      .catch(() => {});
    await how(set, controller);
    await read;
    stream.cancel();
    await vi.waitFor(() => expect(log).toHaveLength(2));
    expect(set.server.openCalls).toBe(0);
    const signal = contexts[0]?.signal as AbortSignal;
    expect(signal.reason).toBeInstanceOf(RpcError);
    return log;
  };

  test("its signal aborts with an RpcError on cancel; then the generator's finally runs", async () => {
    expect(await end((_, controller) => controller.abort())).toEqual(["signal CANCELLED", "finally"]);
  });

  test("… when the connection is lost", async () => {
    expect(await end(({ link }) => link.cut())).toEqual(["signal CANCELLED", "finally"]);
  });

  test("… when the server closes", async () => {
    expect(await end(({ server }) => server.close({ graceMs: 1 }))).toEqual(["signal CANCELLED", "finally"]);
  });

  test("… when the deadline passes", async () => {
    fakeClock();
    expect(await end(() => vi.advanceTimersByTimeAsync(60_050))).toEqual(["signal DEADLINE_EXCEEDED", "finally"]);
  });

  test("its signal is made when somebody looks, also after the abort; and stays quiet after a good end", async () => {
    const contexts: CallContext[] = [];
    const { client } = await pair({
      handlers: { say: (text, context) => (contexts.push(context), text === "wait" ? new Promise(() => {}) : text) },
    });
    const spy = vi.spyOn(globalThis, "AbortController");
    await client.say("a");
    expect(spy).not.toHaveBeenCalled();
    const controller = new AbortController();
    spy.mockClear();
    const call = rpcRejection(client.say("wait", { signal: controller.signal }));
    controller.abort();
    await call;
    expect(spy).not.toHaveBeenCalled();
    spy.mockRestore();
    expect(contexts[0]?.signal.aborted).toBe(false);
    expect(contexts[1]?.signal.aborted).toBe(true);
    expect(contexts[1]?.signal.reason).toMatchObject({ code: "CANCELLED" });
    expect(contexts[1]?.signal).toBe(contexts[1]?.signal);
  });

  test("says who calls what, how often and until when", async () => {
    const { client } = await pair({
      handlers: {
        say(_, context) {
          expect(context.method.fullName).toBe("test.v1.Echo/say");
          expect(context.peer).toMatchObject({ address: "direct", transport: "direct" });
          expect(context.attempt).toBe(1);
          expect(context.principal).toBeUndefined();
          expect(context.metadata.size).toBe(0);
          expect(context.deadline).toBeLessThanOrEqual(performance.now() + 500);
          expect(context.timeLeftMs()).toBeGreaterThanOrEqual(0);
          return "ok";
        },
      },
    });
    expect(await client.say("a", { timeoutMs: 500 })).toBe("ok");
    fakeClock();
    let left: number[] = [];
    const endless = await pair({
      handlers: { list: (_, context) => ((left = [context.deadline, context.timeLeftMs()]), []) },
    });
    await collect(endless.client.list(1));
    expect(left).toEqual([Infinity, Infinity]);
  });

  test("sends the header when asked to, before the first message, or with an empty or failed answer", async () => {
    const log: string[] = [];
    const { client } = await pair({
      handlers: {
        async *list(n, context) {
          context.responseHeader.set("h", "1");
          if (n === 2) context.sendHeader();
          if (n === 2) context.sendHeader();
          if (n === 4) throw new RpcError("ABORTED");
          if (n !== 3) yield n;
        },
      },
    });
    for (const n of [1, 2, 3, 4]) {
      const onHeader = (header: { get(key: string): unknown }): void =>
        void log.push(`${n}: header ${header.get("h") as string}`);
      await client
        .list(n, { onHeader })
        .forEach(() => log.push(`${n}: message`))
        .catch(() => {});
    }
    expect(log).toEqual(["1: header 1", "1: message", "2: header 1", "2: message", "3: header 1", "4: header 1"]);
  });

  test("a header changed after it was sent is an error that says so", async () => {
    const { client, errors } = await pair({
      handlers: {
        async *list(_, context) {
          yield 1;
          context.responseHeader.set("h", "1");
        },
      },
    });
    expect((await rpcRejection(collect(client.list(1)))).code).toBe("UNKNOWN");
    expect(errors.map((one) => String(one.error.cause))).toEqual([
      expect.stringMatching(/the response header has been sent/),
    ]);
  });
});

describe("calls that no handler gets", () => {
  test("one too many is shed, provably unprocessed, with the time to wait", async () => {
    const { client, server } = await pair({
      server: { limits: { maxCalls: 2 }, shedRetryAfterMs: 33 },
      handlers: {
        say: (_, context) =>
          new Promise((_resolve, reject) => {
            context.signal.addEventListener("abort", () => reject(context.signal.reason as RpcError));
          }),
      },
    });
    const controller = new AbortController();
    const open = [1, 2].map(() => rpcRejection(client.say("a", { signal: controller.signal })));
    for (const kind of kindNames) {
      expect(await rpcRejection(kinds[kind](client))).toMatchObject({
        code: "RESOURCE_EXHAUSTED",
        processed: "no",
        retryAfterMs: 33,
      });
    }
    controller.abort();
    await Promise.all(open);
    expect(server.openCalls).toBe(0);
    await settled();
    expect(await collect(client.list(1))).toEqual([1]);
  });

  test("a handler that works on after its caller gave up counts until it is through", async () => {
    const work: (() => void)[] = [];
    const { client, server } = await pair({
      server: { limits: { maxCalls: 100, maxCallsPerConnection: 3 } },
      handlers: { say: () => new Promise((resolve) => work.push(() => resolve("done"))) },
    });
    for (let i = 0; i < 10; i++) {
      const controller = new AbortController();
      const call = rpcRejection(client.say("a", { signal: controller.signal }));
      await settled();
      controller.abort();
      await call;
    }
    expect(server.openCalls).toBe(0);
    expect(work).toHaveLength(3);
    expect(await rpcRejection(client.say("a"))).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "no" });
    for (const finish of work) finish();
    await settled();
    expect(await collect(client.list(1))).toEqual([1]);
  });

  test("an interceptor that throws in a sink ends its own call, with a neutral text", async () => {
    for (const where of ["handle", "message"] as const) {
      const errors: RpcError[] = [];
      const broken = (): never => {
        throw new Error("secret");
      };
      const { client, server } = await pair({
        server: {
          onError: (error) => errors.push(error),
          use: [
            {
              name: "broken",
              stage: "trace",
              wrap: (next) => (call, responses) =>
                where === "handle" ? broken() : { ...next(call, responses), message: broken },
            },
          ],
        },
      });
      expect(await rpcRejection(client.say("a"))).toMatchObject({
        code: "UNKNOWN",
        rawMessage: "an interceptor failed",
      });
      expect((errors[0]?.cause as Error | undefined)?.message).toBe("secret");
      expect(server.openCalls).toBe(0);
    }
  });

  test("what a handler's own call failed with is not this call's, in no copy", async () => {
    const { client: other } = await pair({ handlers: { say: () => Promise.reject(new Error("far away")) } });
    const { client } = await pair({
      handlers: {
        say: async () => {
          const error = await rpcRejection(other.say("a", { timeoutMs: -1 }));
          expect(error.processed).toBe("no");
          throw error.with({ retryAfterMs: 1 });
        },
      },
    });
    expect(await rpcRejection(client.say("a"))).toMatchObject({
      code: "UNKNOWN",
      rawMessage: "the handler failed",
      processed: "yes",
    });
  });

  test("a method that is not there is named", async () => {
    const New = service("test.v1.Echo", { shout: unary(any) });
    const { link } = await pair();
    const error = await rpcRejection(createClient(New, { transport: link.client, codec: textCodec() }).shout(1));
    expect(error).toMatchObject({
      code: "UNIMPLEMENTED",
      processed: "no",
      rawMessage: "there is no method test.v1.Echo/shout here",
    });
  });

  test("a contract of another kind says so", async () => {
    const Wrong = service("test.v1.Echo", { say: bidiStream(any) });
    const { link } = await pair();
    const error = await rpcRejection(
      collect(createClient(Wrong, { transport: link.client, codec: textCodec() }).say([])),
    );
    expect(error).toMatchObject({
      code: "UNIMPLEMENTED",
      rawMessage: "test.v1.Echo/say is unary, and the caller's contract says bidiStream",
    });
  });

  test("a codec that is not there names those that are", async () => {
    const { link } = await pair({ server: { codecs: [textCodec(), textCodec("other")] } });
    const client = createClient(Echo, { transport: link.client, codec: textCodec("cbor") });
    expect(await rpcRejection(client.say("a"))).toMatchObject({
      code: "UNIMPLEMENTED",
      rawMessage: 'there is no codec "cbor" here; this server has text, other',
    });
    expect(await createClient(Echo, { transport: link.client, codec: textCodec("other") }).say("a")).toBe("re: a");
  });

  test("a codec that cannot carry a type ends its calls, not the connection", async () => {
    const picky = {
      name: "picky",
      message: () => {
        throw new Error("no layout");
      },
    };
    const { link, errors } = await pair({ server: { codecs: [textCodec(), picky] } });
    const client = createClient(Echo, { transport: link.client, codec: textCodec("picky") });
    expect(await rpcRejection(client.say("a"))).toMatchObject({ code: "INTERNAL", processed: "no" });
    expect(errors.map((one) => (one.error.cause as Error).message)).toEqual(["no layout"]);
  });

  test("a peer that sends no request, or two, to a method that takes one", async () => {
    let handled = 0;
    const { link } = await pair({ handlers: { say: () => `${++handled}` } });
    const start = () => {
      const ends: (RpcError | undefined)[] = [];
      const resolved = link.acceptor.resolve("test.v1.Echo/say", "unary", "text");
      if (resolved instanceof RpcError) throw resolved;
      const call = {
        ...resolved,
        metadata: undefined,
        deadline: Infinity,
        values: undefined,
        attempt: 1,
        peer: { address: "x", transport: "x", handshake: undefined as never },
      };
      const requests = link.acceptor.handle(call, {
        header() {},
        message: () => true,
        end: (error) => ends.push(error),
        ready() {},
      });
      return { requests, ends };
    };
    const none = start();
    none.requests.end();
    expect(none.ends).toMatchObject([{ code: "INTERNAL", rawMessage: expect.stringMatching(/no request$/) }]);
    const two = start();
    two.requests.message("a", false);
    two.requests.message("b", true);
    expect(two.ends).toMatchObject([{ code: "INTERNAL", rawMessage: expect.stringMatching(/more than one request$/) }]);
    const twice = start();
    twice.requests.message("a", true);
    twice.requests.end();
    twice.requests.message("b", true);
    expect(twice.ends).toEqual([undefined]);
    expect(handled).toBe(1);
  });
});

describe("close", () => {
  const closing = async () => {
    let answer: (text: string) => void = () => {};
    const set = await pair({ handlers: { say: () => new Promise<string>((resolve) => (answer = resolve)) } });
    return { ...set, answer: (text: string) => answer(text) };
  };

  test("refuses new calls and lets open ones end", async () => {
    const { client, server, answer } = await closing();
    const call = client.say("a");
    const closed = server.close();
    expect(await rpcRejection(client.say("b"))).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    answer("done");
    expect(await call).toBe("done");
    await closed;
    expect(server.openCalls).toBe(0);
  });

  test("cancels what has not ended when the grace is over", async () => {
    fakeClock();
    const { client, server } = await closing();
    const call = rpcRejection(client.say("a", { timeoutMs: Infinity }));
    const closed = server.close({ graceMs: 1000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(server.openCalls).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await call).code).toBe("UNAVAILABLE");
    await closed;
    expect(server.openCalls).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("closing again can only shorten the grace", async () => {
    fakeClock();
    const { client, server } = await closing();
    const call = rpcRejection(client.say("a", { timeoutMs: Infinity }));
    const closed = server.close({ graceMs: Infinity });
    void server.close({ graceMs: 1000 });
    void server.close({ graceMs: 5000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(server.openCalls).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await call).code).toBe("UNAVAILABLE");
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an endless grace is endless", async () => {
    fakeClock();
    const { client, server, answer } = await closing();
    const call = client.say("a", { timeoutMs: Infinity });
    const closed = server.close({ graceMs: Infinity });
    await vi.advanceTimersByTimeAsync(1e9);
    expect(server.openCalls).toBe(1);
    answer("at last");
    expect(await call).toBe("at last");
    await closed;
  });

  test("twice is once, `await using` closes, and nothing listens afterwards", async () => {
    const { server } = await pair();
    const closed = server.close();
    expect(server.close()).toBe(closed);
    await closed;
    await server[Symbol.asyncDispose]();
    expect(await rejection(server.listen(direct().server))).toMatchObject({ message: "the server is closed" });
  });

  test("a transport that begins to listen meanwhile is closed", async () => {
    const server = make();
    let begin: (listening: Listening) => void = () => {};
    let closed = 0;
    const listening = rejection(server.listen({ listen: () => new Promise((resolve) => (begin = resolve)) }));
    await server.close();
    begin({ address: "late", drain: async () => {}, close: async () => void closed++ });
    expect(await listening).toMatchObject({ message: expect.stringMatching(/closed while it began/) });
    expect(closed).toBe(1);
  });
});
