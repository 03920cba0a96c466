import { createClient, type OutgoingCall, type ResponseSink, RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { wireClient } from "../src/index.ts";
import { clientFixture, fixture, Test } from "./rig/fixture.ts";
import { json } from "./rig/json-codec.ts";
import { failure, turns, until } from "./rig/until.ts";

const backoff = { initialMs: 60_000, jitter: 0 };

describe("connecting", () => {
  test("many calls at once share one connection", async () => {
    await using f = await fixture();
    expect(await Promise.all(Array.from({ length: 1000 }, (_, i) => f.client.echo(i)))).toHaveLength(1000);
    expect(f.link.attempts).toBe(1);
  });

  test("while it rests after a failure, calls fail at once with that failure", async () => {
    await using f = await fixture({ client: { backoff } });
    f.link.refuse = new Error("nobody home");
    const first = await failure(f.client.echo(1));
    const second = await failure(f.client.echo(2));
    for (const error of [first, second]) {
      expect(error).toMatchObject({
        code: "UNAVAILABLE",
        processed: "no",
        message: expect.stringContaining("nobody home"),
      });
    }
    expect(second.message).toMatch(/not tried again for \d+ ms/);
    expect(first).not.toBe(second);
    expect(f.link.attempts).toBe(1);
  });

  test("a call that waits for it is made when there is a connection", async () => {
    await using f = await fixture({ client: { backoff: { initialMs: 5, jitter: 0 } } });
    f.link.refuse = new Error("nobody home");
    const call = f.client.echo(1, { waitForReady: true });
    await until(() => f.link.attempts >= 3, "it tries again and again");
    f.link.refuse = undefined;
    expect(await call).toBe(1);
  });

  test("a call that was cancelled while it waited is never sent, and nobody connects for it", async () => {
    await using f = await fixture({ client: { backoff: { initialMs: 20, jitter: 0 } } });
    f.link.refuse = new Error("nobody home");
    await failure(f.client.echo(0));
    const abort = new AbortController();
    const call = f.client.echo(1, { waitForReady: true, signal: abort.signal });
    abort.abort();
    expect(await failure(call)).toMatchObject({ code: "CANCELLED" });
    const late = await failure(f.client.echo(2, { waitForReady: true, timeoutMs: 5 }));
    expect(late).toMatchObject({ code: "DEADLINE_EXCEEDED", processed: "no" });
    expect((late.cause as Error).message).toContain("nobody home");
    expect(late.explanation).toContain("nobody home");
    f.link.refuse = undefined;
    expect(await f.client.echo(3, { waitForReady: true })).toBe(3);
    expect(f.handled).toBe(1);
  });

  test("a deadline that comes while it connects", async () => {
    await using f = await fixture();
    f.link.refuse = "never";
    const error = await failure(f.client.echo(1, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: "DEADLINE_EXCEEDED", explain: { attempts: [{ phase: "connecting" }] } });
    expect(f.handled).toBe(0);
  });

  for (const refuse of ["the connector", "the server"]) {
    test(`${refuse} that never answers costs the connect timeout`, async () => {
      await using f = await clientFixture({ connectTimeoutMs: 30, backoff });
      if (refuse === "the connector") f.link.refuse = "never";
      expect(await failure(f.client.echo(1))).toMatchObject({
        code: "UNAVAILABLE",
        processed: "no",
        message: expect.stringContaining("no connection within 30 ms"),
      });
    });
  }

  const handshakes = {
    throws: () => {
      throw new Error("no token");
    },
    rejects: () => Promise.reject(new Error("no token")),
    "never resolves": () => new Promise<never>(() => {}),
    "makes what is no metadata": () => ({ "not a key": "x" }),
    "makes too much": () => ({ k: "x".repeat(60_000) }),
  };
  for (const [name, handshake] of Object.entries(handshakes)) {
    test(`a handshake function that ${name} fails the calls that wait`, async () => {
      await using f = await fixture({ client: { handshake, connectTimeoutMs: 50, backoff } });
      expect(await failure(f.client.echo(1))).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
      expect(f.link.attempts).toBe(0);
    });
  }

  test("a server with too many connections makes the client rest", async () => {
    await using f = await fixture({ core: { limits: { maxConnections: 1 } }, client: { backoff } });
    await using second = {
      transport: wireClient(f.link.connector, { backoff }),
      [Symbol.asyncDispose]: () => second.transport.close(),
    };
    const client = createClient(Test, { transport: second.transport, codec: json() });
    expect(await f.client.echo(1)).toBe(1);
    expect(await failure(client.echo(1))).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "no" });
    expect(await failure(client.echo(1))).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "no" });
    expect(f.link.attempts).toBe(2);
  });

  test("a handshake hook that refuses with a promise of another library keeps everybody out", async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- that is what this test is about
    const hook = () => ({ then: (_: unknown, no: (error: Error) => void) => setTimeout(() => no(new Error("no"))) });
    await using f = await fixture({ server: { onHandshake: hook as never }, client: { backoff } });
    expect(await failure(f.client.echo(1))).toMatchObject({ code: "UNKNOWN", processed: "no" });
    expect(f.handled).toBe(0);
  });

  test("options that are none are named", () => {
    const { connector } = { connector: { address: "x", connect: () => Promise.reject(new Error("x")) } };
    expect(() => wireClient(connector, { connectTimeoutMs: 0 })).toThrow("connectTimeoutMs");
    expect(() => wireClient(connector, { backoff: { factor: 0 } })).toThrow("factor");
    expect(() => wireClient(connector, { limits: { maxCalls: -1 } })).toThrow("maxCalls");
  });

  test("timeouts for ever are for ever", async () => {
    await using f = await fixture({
      client: { connectTimeoutMs: Infinity, keepAlive: { idleMs: Infinity } },
      server: { maxConnectionAgeMs: 2 ** 40 },
      core: { limits: { handshakeTimeoutMs: Infinity } },
    });
    expect(await f.client.echo(1)).toBe(1);
    await turns(100);
    expect(await f.client.echo(1)).toBe(1);
    expect(f.link.attempts).toBe(1);
  });
});

describe("numbers", () => {
  test("a call whose message comes late has its number then", async () => {
    await using f = await fixture();
    expect(await f.client.echo(0)).toBe(0);
    const ends: string[] = [];
    const sink = (name: string): ResponseSink => ({
      header: () => {},
      message: (value) => (ends.push(`${name} ${String(value)}`), true),
      end: (error) => void ends.push(`${name} ${error?.code ?? "OK"}`),
      ready: () => {},
    });
    const call = (): OutgoingCall => ({
      method: Test.methods.echo,
      codec: methodOf(),
      metadata: undefined,
      deadline: Infinity,
      values: undefined,
      attempt: 1,
      waitForReady: false,
      avoid: undefined,
    });
    const methodOf = () => echoCodec;
    const first = f.transport.handle(call(), sink("first"));
    const never = f.transport.handle(call(), sink("never"));
    const second = f.transport.handle(call(), sink("second"));
    second.message(2, true);
    never.cancel(new RpcError("CANCELLED", "changed my mind"));
    first.message(1, true);
    await until(() => ends.length === 5, "all have ended");
    expect(ends).toEqual(["never CANCELLED", "second 2", "second OK", "first 1", "first OK"]);
    expect(f.link.connections).toHaveLength(1);
  });
});

const echoCodec = {
  name: "json",
  request: json().message({ name: "", schema: Test.methods.echo.input }),
  response: json().message({ name: "", schema: Test.methods.echo.output }),
  detail: () => undefined,
};

describe("drain and close", () => {
  test("the server drains: what runs ends, what comes later has another connection", async () => {
    await using f = await fixture({ server: { maxConnectionAgeMs: 40, random: () => 0.5 } });
    const lines: unknown[] = [];
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const talk = (async () => {
      for await (const line of f.client.talk(
        (async function* () {
          yield "before";
          await gate;
          yield "after";
        })(),
      )) {
        lines.push(line);
      }
    })();
    await until(() => lines.length === 1, "the conversation has begun");
    // The connection is too old now.
    while (f.link.attempts < 2) {
      const answer = await f.client.echo(1).catch((error: RpcError) => error.processed);
      // A call that crossed the goodbye was not processed; it may be sent again, which is the retry policy's part.
      expect([1, "no"]).toContain(answer);
    }
    go();
    await talk;
    expect(lines).toEqual(["before", "after"]);
    await until(() => f.link.connections[0]?.server.state === "closed", "the old connection is closed");
  });

  test("a server's close ends what runs after its grace", async () => {
    await using f = await fixture();
    const call = f.client.hang(1);
    call.catch(() => {});
    await until(() => f.hanging.size === 1, "the call runs");
    await f.server.close({ graceMs: 10 });
    expect(await failure(call)).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  });

  test("a client's close lets calls end for its grace, and always ends", async () => {
    await using f = await fixture();
    const hangs = f.client.hang(1);
    hangs.catch(() => {});
    await until(() => f.hanging.size === 1, "the call runs");
    const closed = f.transport.close({ graceMs: 10 });
    expect(await failure(f.client.echo(1))).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    await closed;
    expect(await failure(hangs)).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  });

  test("a client closes in every state", async () => {
    for (const state of ["idle", "connecting", "greeting", "resting", "ready"]) {
      await using f = await clientFixture({ backoff }, state === "ready" ? {} : undefined);
      if (state === "connecting") f.link.refuse = "never";
      if (state === "resting") f.link.refuse = new Error("no");
      const calls = state === "idle" ? [] : [failure(f.client.hang(1, { waitForReady: true }))];
      if (state === "greeting" || state === "ready") await f.server();
      if (state === "ready") await (await f.server()).heard("start");
      await turns(5);
      await f.transport.close();
      const codes = (await Promise.all(calls)).map((error) => error.code);
      expect([state, codes]).toEqual([state, calls.map(() => "UNAVAILABLE")]);
    }
  });
});

describe("keep-alive", () => {
  test("a silent peer is found out while a call is open", async () => {
    await using f = await clientFixture({ keepAlive: { idleMs: 20, timeoutMs: 20 } }, {});
    expect(await failure(f.client.hang(1))).toMatchObject({
      code: "UNAVAILABLE",
      processed: "unknown",
      message: expect.stringContaining("did not answer a ping"),
    });
    expect(f.servers[0]?.of("ping")).toHaveLength(1);
  });

  test("a peer that answers is kept, and an idle connection is not asked", async () => {
    await using f = await clientFixture({ keepAlive: { idleMs: 15, timeoutMs: 5_000 } }, {});
    const call = f.client.hang(1);
    const server = await f.server();
    for (let i = 1; i <= 3; i++) {
      await server.heard("ping", i);
      server.send({ kind: "pong", payload: "0000000000000000" });
    }
    server.send({ kind: "data", call: 0, end: true, message: "1" });
    expect(await call).toBe(1);
    const before = server.of("ping").length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(server.of("ping").length).toBe(before);
  });

  test("a connection that was silent for long is asked first; a dead one costs no call", async () => {
    await using f = await clientFixture({ keepAlive: { idleMs: 1, timeoutMs: 30 } }, {});
    const answer = async (index: number, message: string): Promise<void> => {
      const server = await f.server(index);
      await until(() => server.of("start").length > server.of("data").length, "a call arrives");
      server.send({ kind: "data", call: 0, end: true, message });
    };
    const first = f.client.echo(1);
    await answer(0, "1");
    expect(await first).toBe(1);
    const { now } = Date;
    Date.now = () => now() + 3_600_000;
    try {
      const second = f.client.echo(2);
      const server = await f.server();
      await server.heard("ping");
      expect(server.of("start")).toHaveLength(1);
      await answer(1, "2");
      expect(await second).toBe(2);
    } finally {
      Date.now = now;
    }
    expect(f.link.attempts).toBe(2);
  });
});

test("a call that begins inside the end of another is not begun on the connection that is lost", async () => {
  await using f = await fixture();
  const inside: Promise<unknown>[] = [];
  const again = createClient(Test, {
    transport: f.transport,
    codec: f.codec,
    use: [
      {
        name: "calls again",
        stage: "retry",
        wrap: (next) => (call, responses) =>
          next(call, {
            header: (header) => responses.header(header),
            message: (message) => responses.message(message),
            ready: () => responses.ready(),
            end(error, trailers) {
              if (error !== undefined) inside.push(f.client.echo("again"));
              responses.end(error, trailers);
            },
          }),
      },
    ],
  });
  const call = failure(again.hang(1));
  await until(() => f.hanging.size === 1, "the handler runs");
  f.link.connections[0]?.client.destroy(new Error("cable"));
  expect(await call).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  expect(await Promise.all(inside)).toEqual(["again"]);
  expect(f.link.attempts).toBe(2);
});
