// What is expected differs by side and kind of a parametrised test.
/* oxlint-disable vitest/no-conditional-expect */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  type CallHooks,
  clientInterceptor,
  compose,
  contextKey,
  ContextValues,
  type IncomingCall,
  Metadata,
  type OutgoingCall,
  RpcError,
  serverInterceptor,
} from "../src/index.ts";
import { clientStages, serverStages, sortByStage } from "../src/interceptor.ts";
import { fakeClock } from "./clock.ts";
import { Echo, echoHandlers, kindNames, kinds, pair } from "./contract.ts";
import { textCodec } from "./direct.ts";
import { collect, rpcRejection, settled } from "./waits.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** An interceptor's events, written down. */
function recorder(log: string[]): CallHooks<never> {
  return {
    start: () => void log.push("start"),
    request(message) {
      log.push(`request ${JSON.stringify(message)}`);
      return message;
    },
    header: () => void log.push("header"),
    response(message) {
      log.push(`response ${JSON.stringify(message)}`);
      return message;
    },
    end: (error) => void log.push(`end ${error?.code ?? "OK"}`),
  };
}

describe("stages", () => {
  test("sort by stage, and by the list's order within one", () => {
    const named = (name: string, stage: string) => ({ name, stage });
    const list = [
      named("retry 1", "retry"),
      [named("trace", "trace"), [named("retry 2", "retry")]],
      named("balance", "balance"),
    ];
    expect(sortByStage(list, clientStages).map((one) => one.name)).toEqual(["trace", "retry 1", "retry 2", "balance"]);
  });

  test("one that does not exist on this side is named", () => {
    expect(() => sortByStage([{ name: "auth", stage: "auth" }], clientStages)).toThrow(
      'interceptor "auth" names stage "auth"; there are trace, deadline, key, retry, attempt, balance',
    );
    expect(() => sortByStage([{ name: "r", stage: "retry" }], serverStages)).toThrow(
      "trace, deadline, auth, once, handler",
    );
  });

  test("the first of a list is the outermost", () => {
    const log: string[] = [];
    const wrap = (name: string) => ({
      name,
      stage: "trace",
      wrap: (next: (call: never, responses: never) => never) => (call: never, responses: never) => {
        log.push(name);
        return next(call, responses);
      },
    });
    const handler = compose([wrap("a"), wrap("b")] as never, (() => log.push("handler")) as never);
    handler({} as never, {} as never);
    expect(log).toEqual(["a", "b", "handler"]);
  });

  test("on a server, requests are validated between auth and once", async () => {
    const log: string[] = [];
    const at = (stage: (typeof serverStages)[number]) =>
      serverInterceptor(stage, stage, { request: (message) => (log.push(stage), message) });
    const { client } = await pair({ server: { use: [...serverStages].reverse().map(at) } });
    await client.say("a");
    expect(log).toEqual([...serverStages]);
  });
});

describe.each(["client", "server"] as const)("hooks of a %s", (side) => {
  const using = (hooks: CallHooks<OutgoingCall> & CallHooks<IncomingCall>) =>
    side === "client"
      ? { use: [clientInterceptor("mine", "trace", hooks)] }
      : { server: { use: [serverInterceptor("mine", "trace", hooks)] } };

  test.each(kindNames)("hear everything of %s, in order", async (kind) => {
    const log: string[] = [];
    const { client } = await pair(using(recorder(log)));
    await kinds[kind](client);
    const requests = { say: ['"a"'], list: ["2"], sum: ["1", "2"], talk: ['"a"', '"b"'] }[kind];
    const responses = { say: ['"re: a"'], list: ["1", "2"], sum: ["3"], talk: ['"re: a"', '"re: b"'] }[kind];
    expect(log[0]).toBe("start");
    expect(log.at(-1)).toBe("end OK");
    expect(log.filter((one) => one.startsWith("request"))).toEqual(requests.map((one) => `request ${one}`));
    expect(log.filter((one) => one.startsWith("response"))).toEqual(responses.map((one) => `response ${one}`));
    expect(log).toHaveLength(2 + requests.length + responses.length);
  });

  test.each(kindNames)("replace the messages of %s", async (kind) => {
    const twice = (message: unknown): unknown =>
      typeof message === "number" ? message * 2 : `${message as string}${message as string}`;
    const { client } = await pair(using({ request: twice, response: twice }));
    expect(await kinds[kind](client)).toEqual(
      { say: "re: aare: aa", list: [2, 4, 6, 8], sum: 12, talk: ["re: aare: aa", "re: bbre: bb"] }[kind],
    );
  });

  test.each(kindNames)("start may hold %s back", async (kind) => {
    let go = (): void => {};
    const log: string[] = [];
    const { client, link } = await pair(
      using({ ...recorder(log), start: () => new Promise<void>((resolve) => (go = resolve)) }),
    );
    const call = kinds[kind](client);
    await settled();
    expect(log).toEqual([]);
    expect(link.started).toBe(side === "client" ? 0 : 1);
    go();
    expect(await call).toEqual({ say: "re: a", list: [1, 2], sum: 3, talk: ["re: a", "re: b"] }[kind]);
  });

  test.each(kindNames)("start that throws refuses %s before anything was processed", async (kind) => {
    for (const start of [
      () => {
        throw new RpcError("PERMISSION_DENIED", "not you", {
          details: [],
          retryAfterMs: 5,
          metadata: new Metadata({ a: "1" }),
        });
      },
      () =>
        Promise.reject(
          new RpcError("PERMISSION_DENIED", "not you", { retryAfterMs: 5, metadata: new Metadata({ a: "1" }) }),
        ),
    ]) {
      const log: string[] = [];
      const { client, link } = await pair(using({ ...recorder(log), start }));
      const error = await rpcRejection(kinds[kind](client));
      expect(error).toMatchObject({
        code: "PERMISSION_DENIED",
        rawMessage: "not you",
        processed: "no",
        retryAfterMs: 5,
      });
      expect(error.metadata.get("a")).toBe("1");
      expect(log).toEqual(["end PERMISSION_DENIED"]);
      expect(link.open).toBe(0);
    }
  });

  test.each(["start", "request", "response", "end"] as const)(
    "%s that throws something else ends the call neutrally",
    async (hook) => {
      const mine = new Error("password");
      const log: string[] = [];
      const fail = (): never => {
        throw mine;
      };
      const { client, link, errors, server } = await pair(using({ ...recorder(log), [hook]: fail }));
      for (const kind of kindNames) {
        const error = await rpcRejection(kinds[kind](client));
        expect(error.code).toBe("UNKNOWN");
        expect(error.rawMessage).not.toContain("password");
        if (side === "client") expect(error).toMatchObject({ rawMessage: 'interceptor "mine" failed', cause: mine });
      }
      expect(link.open).toBe(0);
      expect(server.openCalls).toBe(0);
      if (side === "server") expect(errors.map((one) => one.error.cause)).toEqual([mine, mine, mine, mine]);
      if (hook !== "end") expect(log.filter((one) => one.startsWith("end"))).toEqual(Array(4).fill("end UNKNOWN"));
    },
  );

  test("a request hook that throws an RpcError ends the call with it", async () => {
    const { client } = await pair(
      using({
        request() {
          throw new RpcError("OUT_OF_RANGE", "too far");
        },
      }),
    );
    for (const kind of kindNames)
      expect(await rpcRejection(kinds[kind](client))).toMatchObject({ code: "OUT_OF_RANGE", rawMessage: "too far" });
  });

  test("a deadline ends what start holds back, and nothing of it begins later", async () => {
    fakeClock();
    let go = (): void => {};
    let began = 0;
    const { client, link, server } = await pair({
      handlers: { say: () => (began++, "x") },
      ...using({ start: () => new Promise<void>((resolve) => (go = resolve)) }),
    });
    const call = rpcRejection(client.say("a", { timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(120);
    expect(await call).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    go();
    await settled();
    expect(began).toBe(0);
    expect(link.open).toBe(0);
    expect(server.openCalls).toBe(0);
  });

  test("an abort ends what start holds back", async () => {
    const controller = new AbortController();
    const log: string[] = [];
    const { client, server } = await pair(using({ ...recorder(log), start: () => new Promise<void>(() => {}) }));
    const call = rpcRejection(client.say("a", { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ code: "CANCELLED" });
    expect(log).toEqual(["end CANCELLED"]);
    expect(server.openCalls).toBe(0);
  });

  test("start may change the deadline, also from none to one and back", async () => {
    fakeClock();
    const deadlines: ((call: { deadline: number }) => void)[] = [
      (call) => (call.deadline = performance.now() + 50),
      (call) => (call.deadline = Infinity),
    ];
    const { client, server } = await pair({
      handlers: { say: () => new Promise(() => {}) },
      ...using({ start: (call) => deadlines.shift()?.(call) }),
    });
    const short = rpcRejection(client.say("a", { timeoutMs: Infinity }));
    await vi.advanceTimersByTimeAsync(70);
    expect(await short).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    const controller = new AbortController();
    const long = rpcRejection(
      client.say("a", { timeoutMs: side === "client" ? 50 : Infinity, signal: controller.signal }),
    );
    await vi.advanceTimersByTimeAsync(100_000);
    expect(server.openCalls).toBe(1);
    controller.abort();
    expect(await long).toMatchObject({ code: "CANCELLED" });
  });

  test("metadata and values that start sets travel on", async () => {
    const key = contextKey("user", "nobody");
    let seen: unknown;
    const { client } = await pair({
      handlers: {
        say(text, context) {
          seen = [context.metadata.get("k"), context.get(key)];
          return text;
        },
      },
      ...using({
        start(call) {
          call.metadata = new Metadata(call.metadata).set("k", "v");
          (call.values ??= new ContextValues()).set(key, "ann");
        },
      }),
    });
    await client.say("a");
    // Values do not cross to another machine.
    expect(seen).toEqual(["v", side === "client" ? "nobody" : "ann"]);
  });

  test("a stream that is held back keeps its order and its back-pressure", async () => {
    let go = (): void => {};
    const { client } = await pair(using({ start: () => new Promise<void>((resolve) => (go = resolve)) }));
    let asked = 0;
    const sum = client.sum(
      (function* () {
        while (asked < 1000) yield ++asked;
      })(),
    );
    await settled();
    expect(asked).toBe(1);
    go();
    expect(await sum).toBe(500_500);
  });
});

test("a client's header hook hears the header once", async () => {
  const log: string[] = [];
  const { client } = await pair({
    handlers: {
      async *list(_, context) {
        context.responseHeader.set("a", "1");
        yield 1;
      },
    },
    use: [
      clientInterceptor("mine", "trace", {
        header: (header) => void log.push(`header ${header.get("a")}`),
        response: (one) => (log.push("response"), one),
      }),
    ],
  });
  await collect(client.list(1));
  expect(log).toEqual(["header 1", "response"]);
});

test("a header hook that throws ends the call", async () => {
  const { client, link } = await pair({
    handlers: {
      say(text, context) {
        context.sendHeader();
        return text;
      },
    },
    use: [
      clientInterceptor("mine", "trace", {
        header() {
          throw new RpcError("ABORTED", "no header");
        },
      }),
    ],
  });
  expect(await rpcRejection(client.say("a"))).toMatchObject({ code: "ABORTED" });
  expect(link.open).toBe(0);
});

test("interceptors of a server are sorted in with its auth", async () => {
  const log: string[] = [];
  await using server = (
    await pair({
      server: {
        codecs: [textCodec()],
        auth: () => void log.push("auth"),
        use: [
          serverInterceptor("once", "once", { start: () => void log.push("once") }),
          [serverInterceptor("trace", "trace", { start: () => void log.push("trace") })],
        ],
      },
      handlers: { ...echoHandlers },
    }).then(async ({ client, server }) => {
      await client.say("a");
      return { server };
    })
  ).server;
  expect(log).toEqual(["trace", "auth", "once"]);
  expect(server.services).toEqual([Echo]);
});
