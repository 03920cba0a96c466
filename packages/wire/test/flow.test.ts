import { describe, expect, test } from "vitest";
import { type FixtureOptions, fixture } from "./rig/fixture.ts";
import { encode } from "./rig/frame-text.ts";
import { failure, randomFrom, turns, until } from "./rig/until.ts";

const mebibyte = 1024 * 1024;
const roomy: FixtureOptions = {
  client: { limits: { maxMessageBytes: 64 * mebibyte } },
  core: { limits: { maxMessageBytes: 64 * mebibyte } },
};

describe("messages", () => {
  test("of every size around the cuts come back as they were", async () => {
    await using f = await fixture(roomy);
    for (const size of [
      0,
      1,
      255,
      65_533,
      65_534,
      65_535,
      131_070,
      262_126,
      262_144,
      300_000,
      mebibyte,
      3 * mebibyte,
    ]) {
      const text = "y".repeat(size);
      expect([size, (await f.client.echo(text)) === text]).toEqual([size, true]);
    }
  });

  test("small calls overtake a large message, both ways", async () => {
    await using f = await fixture({ ...roomy, pair: { bufferBytes: 32 * 1024 } });
    const order: string[] = [];
    const large = [
      f.client.echo("x".repeat(8 * mebibyte)).then(() => order.push("large request")),
      f.client.big({ size: 8 * mebibyte }).then(() => order.push("large response")),
    ];
    for (let i = 0; i < 10; i++) await f.client.echo(i).then(() => order.push("small"));
    await Promise.all(large);
    expect(order.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => "small"));
  });

  test("a response beyond the client's limit ends its call, and says that the handler has run", async () => {
    await using f = await fixture({ client: { limits: { maxMessageBytes: 1000 } } });
    const before = f.link.connections.length;
    expect(await failure(f.client.big({ size: 2000 }))).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "yes" });
    expect(await failure(f.client.echo(1n))).toMatchObject({ code: "INTERNAL", processed: "no" });
    expect(await f.client.echo(1)).toBe(1);
    expect(f.link.connections.length).toBe(before + 1);
  });

  test("headers and trailers beyond the client's limit end their call; an error outlives its trailers", async () => {
    await using f = await fixture({ client: { limits: { maxMetadataBytes: 1000 } } });
    for (const input of [{ header: 2000 }, { trailer: 2000 }]) {
      expect(await failure(f.client.head(input))).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "yes" });
    }
    expect(await failure(f.client.fail({ trailers: 2000 }))).toMatchObject({
      code: "FAILED_PRECONDITION",
      details: [{ data: { missing: 12 } }],
    });
    expect(await f.client.head({ header: 500, trailer: 500 })).toBe("ok");
    expect(f.link.connections).toHaveLength(1);
  });

  test("metadata limits beyond what a frame can carry are what a frame can carry", async () => {
    await using f = await fixture({
      client: { limits: { maxMetadataBytes: Infinity } },
      core: { limits: { maxMetadataBytes: Infinity } },
    });
    expect(await f.client.echo(1, { metadata: { k: "x".repeat(40_000) } })).toBe(1);
    expect(await failure(f.client.echo(1, { metadata: { k: "x".repeat(200_000) } }))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
    });
    expect(await f.client.head({ header: 40_000 })).toBe("ok");
    expect(await failure(f.client.head({ header: 200_000 }))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(f.link.connections).toHaveLength(1);
  });
});

describe("credit", () => {
  test("a reader that rests does not stop other calls of the connection", async () => {
    await using f = await fixture();
    const slow = f.client.count({ n: 100_000, pad: 1000 });
    expect((await slow.next()).value?.i).toBe(0);
    await turns(200);
    expect(await f.client.echo("passes")).toBe("passes");
    let other = 0;
    for await (const _ of f.client.count({ n: 2000, pad: 1000 })) other++;
    expect(other).toBe(2000);
    let next = 1;
    for await (const { i } of slow) {
      if (i !== next++) throw new Error("out of order");
      if (i === 3000) break;
    }
    expect(next).toBe(3001);
  });

  test("windows grow on a connection with delay", async () => {
    await using f = await fixture({ ...roomy, pair: { delayMs: 3 } });
    let bytes = 0;
    for await (const { pad } of f.client.count({ n: 150, pad: 60_000 })) bytes += pad.length;
    expect(bytes).toBe(9_000_000);
    // Flooded reader, counted at the connection: what is on its way without a reader is the window.
    const stream = f.client.count({ n: 2000, pad: 60_000 });
    for (let i = 0; i < 400; i++) await stream.next();
    const { client } = f.link.connections[0]!;
    let most = 0;
    const measure = setInterval(() => (most = Math.max(most, client.unread)), 1);
    for (let i = 0; i < 200; i++) await stream.next();
    clearInterval(measure);
    expect(most).toBeGreaterThan(256 * 1024);
    await stream.return();
  });

  test("a peer that gives no credit back gets what it gave, and cancelling frees what waited", async () => {
    await using f = await fixture();
    const peer = f.peer().greet();
    peer.send({
      kind: "bind",
      binding: 0,
      call: 0,
      codec: "json",
      method: "test.v1.Test/big",
      requestLayout: "",
      responseLayout: "",
    });
    await peer.heard("hello");
    const calls = Array.from({ length: 50 }, (_, call) => call);
    for (const call of calls) peer.send({ kind: "start", call, binding: 0, end: true, message: '{"size":100000}' });
    await until(() => peer.receivedBytes > 900_000, "the connection's credit is used");
    await turns(100);
    expect(peer.receivedBytes).toBeLessThan(1_100_000);
    peer.raw(Buffer.concat(calls.map((call) => encode({ kind: "cancel", call, code: 1 }))));
    await until(() => peer.of("status").length >= 30, "those that waited are cancelled");
    peer.send(
      { kind: "credit", call: "connection", bytes: 1_000_000 },
      { kind: "start", call: 0, binding: 0, end: true, message: '{"size":9}' },
    );
    await until(() => peer.of("data").some((frame) => frame.message === '"xxxxxxxxx"'), "the connection goes on");
  });
});

test("calls of all kinds with cancels and deadlines leave nothing behind", { timeout: 60_000 }, async () => {
  const seed = Number(process.env["FARCALL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`accounting: FARCALL_SEED=${seed}`);
  const total = Number(process.env["FARCALL_CALLS"] ?? 20_000);
  const random = randomFrom(seed);
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  {
    await using f = await fixture();
    const outcomes = new Map<string, number>();
    let started = 0;
    const one = async (): Promise<void> => {
      const abort = new AbortController();
      const options = {
        signal: abort.signal,
        ...(random() < 0.1 ? { timeoutMs: 1 + Math.floor(random() * 20) } : {}),
      };
      if (random() < 0.2) setImmediate(() => abort.abort());
      const numbers = Array.from({ length: Math.floor(random() * 5) }, (_, i) => i);
      switch (Math.floor(random() * 5)) {
        case 0:
          return void (await f.client.echo("x".repeat(random() * 100), options));
        case 1:
          return void (await f.client.sum(numbers, options));
        case 2:
          for await (const _ of f.client.count({ n: 5, pad: random() < 0.01 ? 100_000 : 10 }, options))
            if (random() < 0.1) break;
          return;
        case 3:
          for await (const _ of f.client.talk(numbers, options));
          return;
        default:
          if (random() < 0.8) return void (await f.client.echo(1, options));
          return void (await f.client.hang(1, { ...options, timeoutMs: 5 }));
      }
    };
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        while (started++ < total) {
          const outcome = await one().then(
            () => "OK",
            (error: { code?: string }) => error.code ?? "no RpcError",
          );
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
      }),
    );
    expect([...outcomes.keys()].toSorted()).toEqual(["CANCELLED", "DEADLINE_EXCEEDED", "OK"]);
    expect(f.link.connections).toHaveLength(1);
    await until(() => f.server.openCalls === 0 && f.hanging.size === 0, "no call is left at the server");
    // What the server said before this answer has arrived with it.
    await f.client.echo(1);
    // Every number is free: a peer's whole allowance of calls fits at once.
    expect(await Promise.all(Array.from({ length: 10_000 }, () => f.client.echo(1)))).toHaveLength(10_000);
    const { client, server } = f.link.connections[0]!;
    await until(() => client.unread === 0 && server.unread === 0, "nothing is on its way");
    expect(f.errors).toEqual([]);
  }
  // The wheels of deadlines keep a timer for a round after the last call.
  await until(() => timers() <= before, "no timer is left");
});
