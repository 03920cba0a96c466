import type { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import type { WireClientOptions } from "../src/index.ts";
import { clientFixture } from "./rig/fixture.ts";
import { encode, type Frame } from "./rig/frame-text.ts";
import { type RawPeer, serverHello } from "./rig/raw-peer.ts";
import { failure, turns, until } from "./rig/until.ts";

type Fixture = Awaited<ReturnType<typeof clientFixture>>;

/** A client with two unary calls, 0 and 1, that its server has not answered. */
async function waiting(
  body: (server: RawPeer, f: Fixture, calls: Promise<any>[]) => Promise<void>,
  hello = {},
  options: WireClientOptions = {},
): Promise<void> {
  await using f = await clientFixture(options, hello);
  const calls = [f.client.echo(1), f.client.hang(2)];
  for (const call of calls) call.catch(() => {});
  const server = await f.server();
  await server.heard("start", 2);
  await body(server, f, calls);
}

function endsTheConnection(name: string, frames: readonly Frame[], text: string): void {
  test(`${name}`, () =>
    waiting(async (server, f, calls) => {
      server.send(...frames);
      for (const call of calls) {
        expect(await failure(call)).toMatchObject({
          code: "INTERNAL",
          processed: "unknown",
          message: expect.stringContaining(text),
        });
      }
      expect(await server.ends()).toMatchObject({ code: 13, accepted: 0 });
      // The next call has a new connection.
      const next = f.client.echo(3);
      const second = await f.server(1);
      await second.heard("start");
      second.send({ kind: "data", call: 0, end: true, message: "3" });
      expect(await next).toBe(3);
    }));
}

function endsTheCall(
  name: string,
  frames: readonly Frame[],
  error: object,
  hello = {},
  options: WireClientOptions = {},
): void {
  test(`${name}`, () =>
    waiting(
      async (server, _, calls) => {
        server.send(...frames);
        expect(await failure(calls[0]!)).toMatchObject(error);
        server.send({ kind: "data", call: 1, end: true, message: "2" });
        expect(await calls[1]).toBe(2);
        expect(server.closed).toBe(false);
      },
      hello,
      options,
    ));
}

describe("a server that breaks the protocol loses its connection", () => {
  for (const kind of ["data", "status", "header", "credit"]) {
    const fields = { call: 7, message: "1", code: 0, processed: "yes", metadata: [], bytes: 1 };
    endsTheConnection(`with ${kind} for a call that is not open`, [{ kind, ...fields } as Frame], "not open");
  }
  endsTheConnection(
    "with data behind the end of a call",
    [
      { kind: "data", call: 0, size: 5, message: "1" },
      { kind: "status", call: 0, code: 0, processed: "yes", message: "" },
    ],
    "OK in the middle",
  );
  for (const kind of ["start", "bind", "end", "cancel"]) {
    const fields = { call: 0, binding: 0, codec: "", method: "", requestLayout: "", responseLayout: "", code: 0 };
    endsTheConnection(`with a client's frame: ${kind}`, [{ kind, ...fields } as Frame], "a server does not send");
  }
  endsTheConnection(
    "with an answer to a binding that was not made",
    [{ kind: "bound", binding: 9, request: true }],
    "not made",
  );
  endsTheConnection(
    "with a layout that was not offered",
    [{ kind: "bound", binding: 0, request: true }],
    "not offered",
  );
  endsTheConnection(
    "with a positional message",
    [{ kind: "data", call: 0, positional: true, message: "[]" }],
    "not offered",
  );
  for (const [what, message] of [
    ["no message where several should be", ""],
    ["half a length among several messages", "hex:01003100"],
    ["messages that reach beyond their frame", "hex:0500312c"],
  ] as const) {
    endsTheConnection(`with ${what}`, [{ kind: "data", call: 0, many: true, message }], "do not fill their frame");
  }
  for (const more of [{ part: true }, { size: 10 }]) {
    const frame = { kind: "data", call: 0, messages: ["1"], ...more };
    endsTheConnection(`with several messages in parts: ${JSON.stringify(more)}`, [frame], "parts among several");
  }
  endsTheConnection(
    "with a second header",
    [
      { kind: "header", call: 0, metadata: [] },
      { kind: "header", call: 0, metadata: [] },
    ],
    "second header",
  );
  endsTheConnection("with an unknown kind below 0x80", [{ kind: "?", rawKind: 0x30 }], "0x30");
});

describe("a server's messages that share a frame", () => {
  test("are a stream's, mixed with others, between them what is free", async () => {
    await using f = await clientFixture({}, {});
    const stream = f.client.talk([]);
    const first = stream.next();
    const server = await f.server();
    await server.heard("start");
    server.send(
      { kind: "header", call: 0, metadata: [["k", "v"]] },
      { kind: "data", call: 0, messages: ["1", "2"] },
      { kind: "credit", call: 0, bytes: 7 },
      { kind: "data", call: 0, message: "3" },
      { kind: "data", call: 0, messages: ["4", "5"], end: true },
    );
    const got = [(await first).value];
    for await (const one of stream) got.push(one);
    expect(got).toEqual([1, 2, 3, 4, 5]);
  });

  test("one alone is the response of a unary call", () =>
    waiting(async (server, _, calls) => {
      server.send({ kind: "data", call: 0, end: true, messages: ["1"] });
      expect(await calls[0]).toBe(1);
    }));

  test("free the number of a call that was cancelled, when the end is among them", async () => {
    await using f = await clientFixture({}, {});
    const abort = new AbortController();
    const call = f.client.echo(1, { signal: abort.signal });
    const server = await f.server();
    await server.heard("start");
    abort.abort();
    expect(await failure(call)).toMatchObject({ code: "CANCELLED" });
    server.send({ kind: "data", call: 0, messages: ["1", "2"] }, { kind: "data", call: 0, end: true, messages: ["3"] });
    await turns();
    const next = f.client.echo(2);
    expect(await server.heard("start", 2)).toMatchObject({ call: 0 });
    server.send({ kind: "data", call: 0, end: true, message: "2" });
    expect(await next).toBe(2);
  });
});

describe("a response in parts whose frames come in pieces", () => {
  const text = JSON.stringify("0123456789".repeat(3));
  const frames = Buffer.concat(
    [
      { kind: "data", call: 0, size: text.length, message: text.slice(0, 16) },
      { kind: "data", call: 0, part: true, end: true, message: text.slice(16) },
    ].map(encode),
  );
  test("is the same wherever they are cut, and a caller that leaves in between frees its number at the end", async () => {
    await using f = await clientFixture({}, {});
    let starts = 0;
    for (let at = 1; at < frames.length; at++) {
      for (const leaves of [false, true]) {
        const abort = new AbortController();
        const call = f.client.echo(1, { signal: abort.signal });
        const server = await f.server();
        expect((await server.heard("start", ++starts)).call).toBe(0);
        server.raw(frames.subarray(0, at));
        await turns(2);
        if (leaves) abort.abort();
        server.raw(frames.subarray(at));
        const outcome = await call.catch((error: RpcError) => error.code);
        expect([at, outcome]).toEqual([at, leaves ? "CANCELLED" : JSON.parse(text)]);
        await turns(3);
      }
    }
    expect(f.servers).toHaveLength(1);
  });
});

describe("goodbyes", () => {
  test("a flood of them walks the calls once", () =>
    waiting(async (server, _, calls) => {
      const flood = Array.from({ length: 1_000 }, () => ({ kind: "goAway", accepted: 2, code: 0, message: "" }));
      server.send(...flood, { kind: "data", call: 0, end: true, message: "1" });
      expect(await calls[0]).toBe(1);
      server.send({ kind: "goAway", accepted: 1, code: 0, message: "" });
      expect(await failure(calls[1]!)).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    }));

  endsTheConnection(
    "and one whose number goes on falling",
    Array.from({ length: 9 }, (_, i) => ({ kind: "goAway", accepted: 100 - i, code: 0, message: "" })),
    "too many goAways",
  );

  test("a server that greets and leaves is not called on again and again", async () => {
    await using f = await clientFixture({ backoff: { initialMs: 60_000, jitter: 0 } });
    for (let i = 0; i < 2; i++) {
      const call = f.client.echo(1);
      call.catch(() => {});
      const server = await f.server(i);
      server.greet(serverHello);
      await server.heard("start");
      server.send({ kind: "goAway", accepted: 0, code: 0, message: "" });
      expect(await failure(call)).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    }
    for (let i = 0; i < 5; i++) expect((await failure(f.client.echo(1))).message).toContain("went away at once");
    expect(f.link.attempts).toBe(2);
  });

  test("one that drains after it answered is followed by another at once, however often", async () => {
    await using f = await clientFixture({ backoff: { initialMs: 60_000, jitter: 0 } }, {});
    for (let i = 0; i < 4; i++) {
      const call = f.client.echo(1);
      const server = await f.server(i);
      await server.heard("start");
      server.send({ kind: "data", call: 0, end: true, message: "1" });
      expect(await call).toBe(1);
      server.send({ kind: "goAway", accepted: 1, code: 0, message: "" });
      await until(() => server.closed, "the client leaves");
    }
    expect(f.link.attempts).toBe(4);
  });
});

describe("a connection that is asked for a sign of life", () => {
  const keepAlive = { idleMs: 100, timeoutMs: 200 };
  const doubted = async (body: (server: RawPeer, f: Fixture) => Promise<void>): Promise<void> => {
    await using f = await clientFixture({ keepAlive }, {});
    const first = f.client.echo(1);
    const server = await f.server();
    await server.heard("start");
    server.send({ kind: "data", call: 0, end: true, message: "1" });
    await first;
    await new Promise((resolve) => setTimeout(resolve, 1_050));
    await body(server, f);
  };

  test("any frame is one, and the calls that waited go on", () =>
    doubted(async (server, f) => {
      const call = f.client.echo(2);
      await server.heard("ping");
      server.send({ kind: "?", rawKind: 0x80 });
      await server.heard("start", 2);
      server.send({ kind: "data", call: 0, end: true, message: "2" });
      expect(await call).toBe(2);
    }));

  test("one that says goodbye is not used, though its pong follows at once", () =>
    doubted(async (server, f) => {
      const call = f.client.echo(2);
      const { payload } = await server.heard("ping");
      server.send({ kind: "goAway", accepted: 1, code: 0, message: "" }, { kind: "pong", payload });
      const second = await f.server(1);
      await second.heard("start");
      second.send({ kind: "data", call: 0, end: true, message: "2" });
      expect(await call).toBe(2);
      expect(server.of("start")).toHaveLength(1);
    }));
});

describe("a response that cannot be accepted ends its call alone, and the handler has run", () => {
  endsTheCall("a message that is none", [{ kind: "data", call: 0, end: true, message: "{" }], {
    code: "INTERNAL",
    processed: "yes",
  });
  endsTheCall(
    "a message beyond the limit",
    [
      { kind: "data", call: 0, size: 5_000_000, message: "1" },
      { kind: "status", call: 0, code: 1, processed: "yes", message: "" },
    ],
    { code: "RESOURCE_EXHAUSTED", processed: "yes" },
  );
  endsTheCall(
    "a message beyond the limit in a frame that others share",
    [
      { kind: "data", call: 0, messages: [" ".repeat(1000) + "1", "2"] },
      { kind: "status", call: 0, code: 1, processed: "yes", message: "" },
    ],
    { code: "RESOURCE_EXHAUSTED", processed: "yes" },
    {},
    { limits: { maxMessageBytes: 1000 } },
  );
  endsTheCall(
    "a message that is none in a frame that others share, and the end in the same frame",
    [{ kind: "data", call: 0, end: true, messages: ["{", "2"] }],
    { code: "INTERNAL", processed: "yes" },
  );
  endsTheCall(
    "two responses of a unary call in one frame",
    [{ kind: "data", call: 0, end: true, messages: ["1", "2"] }],
    {
      code: "INTERNAL",
    },
  );
  endsTheCall(
    "a header beyond the limit",
    [
      { kind: "header", call: 0, metadata: [["k", "x".repeat(20_000)]] },
      { kind: "status", call: 0, code: 1, processed: "yes", message: "" },
    ],
    { code: "RESOURCE_EXHAUSTED", processed: "yes" },
  );
  endsTheCall(
    "trailers beyond the limit",
    [{ kind: "status", call: 0, code: 0, processed: "yes", message: "", trailers: [["k", "x".repeat(20_000)]] }],
    { code: "RESOURCE_EXHAUSTED", processed: "yes" },
  );
  endsTheCall(
    "forbidden metadata",
    [
      { kind: "header", call: 0, metadata: [["k", "\x07"]] },
      { kind: "status", call: 0, code: 1, processed: "yes", message: "" },
    ],
    { code: "INTERNAL", processed: "yes" },
  );
  endsTheCall(
    "a code that does not exist",
    [{ kind: "status", call: 0, code: 99, processed: "no", message: "?", retryAfterMs: "never" }],
    { code: "UNKNOWN", processed: "no", retryAfterMs: "never", remote: true },
  );
  endsTheCall("OK without a response", [{ kind: "status", call: 0, code: 0, processed: "yes", message: "" }], {
    code: "INTERNAL",
  });
});

describe("what a client does not send, because it knows the server's limits", () => {
  const said = { maxMessageBytes: 1000, maxMetadataBytes: 100, maxCalls: 2 };
  test("a large message, large metadata, one call too many", async () => {
    await using f = await clientFixture({}, said);
    const first = f.client.hang(1);
    const server = await f.server();
    await server.heard("start");
    expect(await failure(f.client.echo("x".repeat(2000)))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      processed: "no",
    });
    expect(await failure(f.client.echo(1, { metadata: { k: "x".repeat(100) } }))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      processed: "no",
    });
    const second = f.client.hang(2);
    expect(await failure(f.client.echo(3))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      processed: "no",
      retryAfterMs: 100,
    });
    await server.heard("start", 2);
    expect(server.of("start").map((frame) => frame.call)).toEqual([0, 1]);
    server.send({ kind: "data", call: 1, end: true, message: "2" }, { kind: "data", call: 0, end: true, message: "1" });
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  test("a server whose hello says it takes no calls is none", async () => {
    await using f = await clientFixture({}, { maxCalls: 0 });
    expect(await failure(f.client.echo(1))).toMatchObject({
      code: "UNAVAILABLE",
      processed: "no",
      message: expect.stringContaining("not a server"),
    });
  });
});

describe("going away", () => {
  test("calls beyond the accepted number were not processed, the others go on, later ones have a new connection", () =>
    waiting(async (server, f, calls) => {
      server.send({ kind: "goAway", accepted: 1, code: 0, message: "" });
      expect(await failure(calls[1]!)).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
      const next = f.client.echo(3);
      const second = await f.server(1);
      await second.heard("start");
      server.send({ kind: "data", call: 0, end: true, message: "1" });
      expect(await calls[0]).toBe(1);
      await until(() => server.closed, "the first connection is closed");
      second.send({ kind: "data", call: 0, end: true, message: "3" });
      expect(await next).toBe(3);
    }));

  test("with an error: what was accepted is in doubt, the rest is not", () =>
    waiting(async (server, _, calls) => {
      server.send({ kind: "goAway", accepted: 1, code: 13, message: "confused" });
      server.connection.close();
      expect(await failure(calls[0]!)).toMatchObject({
        code: "INTERNAL",
        processed: "unknown",
        message: expect.stringContaining("confused"),
      });
      expect(await failure(calls[1]!)).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    }));
});

describe("a connection that is lost", () => {
  test("in the middle of a frame", () =>
    waiting(async (server, _, calls) => {
      server.raw("09000011000000").connection.close();
      for (const call of calls) {
        expect(await failure(call)).toMatchObject({
          code: "UNAVAILABLE",
          processed: "unknown",
          message: expect.stringContaining("middle of a frame"),
        });
      }
    }));

  test("a request that was not written to its end was not processed; a stream's was perhaps", async () => {
    await using f = await clientFixture({}, {});
    const large = f.client.echo("x".repeat(1_000_000));
    const stream = f.client.drop(["x".repeat(1_000_000)]);
    for (const call of [large, stream]) call.catch(() => {});
    const server = await f.server();
    await server.heard("start", 2);
    server.connection.destroy();
    expect(await failure(large)).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    expect(await failure(stream)).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  });

  test("all four kinds are settled at once", async () => {
    await using f = await clientFixture({}, {});
    const collect = async (stream: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of stream);
    };
    const never = async function* (): AsyncGenerator<number> {
      yield 1;
      await new Promise(() => {});
    };
    const calls = [
      f.client.hang(1),
      collect(f.client.count({ n: 1 })),
      f.client.drop(never()),
      collect(f.client.talk(never())),
    ];
    for (const call of calls) call.catch(() => {});
    const server = await f.server();
    await server.heard("start", 4);
    server.connection.destroy();
    for (const call of calls) expect(await failure(call)).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
  });
});
