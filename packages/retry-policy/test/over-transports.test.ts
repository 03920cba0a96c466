import { cbor } from "@farcall/codec/cbor";
import { type Client, ContextValues, createClient, RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { type AttemptEvent, retry, type RetryOptions, retryRules } from "../src/index.ts";
import { type Fleet, fleet } from "./fleet.ts";
import { failingShop, goodShop, Shop } from "./shop.ts";

const fast: RetryOptions = { backoff: { baseMs: 1, maxMs: 5 } };
const unavailable = (): RpcError => new RpcError("UNAVAILABLE", "down for a moment");

function clientOf({ transport }: Fleet, options: RetryOptions = fast): Client<typeof Shop> {
  return createClient(Shop, { transport, codec: cbor(), use: [retry(options)] });
}

async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
}

describe.each(["memory", "tcp"] as const)("over %s", (kind) => {
  test("calls of every kind succeed though the first server fails them all", async () => {
    await using servers = await fleet(kind, [failingShop(unavailable), goodShop("b"), goodShop("c")]);
    for (let turn = 0; turn < 3; turn++) {
      const client = clientOf(servers);
      expect(await client.read("x")).toMatch(/^x from [bc]$/);
      expect(await collect(client.list(5))).toEqual([1, 2, 3, 4, 5]);
      expect(await client.sum([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBe(55);
      expect((await collect(client.talk(["hi", "ho"]))).map((text) => text.slice(3))).toEqual(["hi", "ho"]);
    }
  });

  test("a server that is cut off in the middle of pure calls costs its callers nothing", async () => {
    const reached = Promise.withResolvers<void>();
    const stuck = { ...goodShop("a"), read: () => (reached.resolve(), new Promise<string>(() => {})) };
    await using servers = await fleet(kind, [stuck, goodShop("b")]);
    const events: AttemptEvent[] = [];
    const client = clientOf(servers, { ...fast, onAttempt: (event) => events.push(event) });
    const call = client.read("x");
    await reached.promise;
    await servers.cut(0);
    expect(await call).toBe("x from b");
    expect(events).toMatchObject([
      { attempt: 1, code: "UNAVAILABLE", next: "retry" },
      { attempt: 2, code: "OK", next: "end" },
    ]);
    expect(events[0]?.peer).not.toBe(events[1]?.peer);
  });

  test("an unsafe call that a server may have seen is not sent again", async () => {
    const reached = Promise.withResolvers<void>();
    const stuck = { ...goodShop("a"), order: () => (reached.resolve(), new Promise<string>(() => {})) };
    await using servers = await fleet(kind, [stuck, goodShop("b")]);
    const call = clientOf(servers).order("book");
    const failure = call.catch((error: unknown) => error);
    await reached.promise;
    await servers.cut(0);
    expect(await failure).toMatchObject({
      code: "UNAVAILABLE",
      processed: "unknown",
      explain: { stopped: "not retryable", attempts: [{ phase: "waiting" }] },
    });
  });

  test("a drain that refuses 64 unsafe calls loses none of them, and leaves the budget as it was", async () => {
    await using servers = await fleet(kind, [goodShop("a"), goodShop("b")]);
    const client = clientOf(servers, { ...fast, budget: { floorPerSecond: 0 } });
    expect(await client.order("warm")).toBe("warm from a");
    expect(await client.order("warm")).toBe("warm from b");
    const closing = servers.servers[0]?.close({ graceMs: 1_000 });
    const orders = await Promise.all(Array.from({ length: 64 }, (_, i) => client.order(String(i))));
    expect(new Set(orders.map((text) => text.split(" ")[0])).size).toBe(64);
    await closing;
    expect(await Promise.all(Array.from({ length: 64 }, () => client.order("x")))).toHaveLength(64);
  });

  test("a stream that breaks after its first message is not begun anew", async () => {
    let began = 0;
    const first = Promise.withResolvers<void>();
    const breaking = {
      ...goodShop("a"),
      async *list(): AsyncGenerator<number> {
        began++;
        yield 1;
        await first.promise;
        throw unavailable();
      },
    };
    await using servers = await fleet(kind, [breaking, breaking]);
    const seen: number[] = [];
    const stream = clientOf(servers).list(5);
    const error: unknown = await (async () => {
      for await (const n of stream) {
        seen.push(n);
        first.resolve();
      }
    })().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "UNAVAILABLE", explain: { stopped: "committed" } });
    expect(seen).toEqual([1]);
    expect(began).toBe(1);
  });

  test("a stream of 2,000 requests is replayed whole, with back-pressure, to the server that takes it", async () => {
    await using servers = await fleet(kind, [failingShop(unavailable), goodShop("b")]);
    let made = 0;
    async function* numbers(): AsyncGenerator<number> {
      for (let i = 1; i <= 2_000; i++) {
        made++;
        yield i;
      }
    }
    expect(await clientOf(servers).sum(numbers())).toBe((2_000 * 2_001) / 2);
    expect(made).toBe(2_000);
  });

  test("a server that says when is believed", async () => {
    let asked = 0;
    const shedding = {
      ...goodShop("a"),
      read(key: string) {
        if (++asked < 3) throw new RpcError("RESOURCE_EXHAUSTED", "busy", { retryAfterMs: 1, processed: "no" });
        return key;
      },
    };
    await using servers = await fleet(kind, [shedding]);
    expect(await clientOf(servers).read("x")).toBe("x");
    asked = -100;
    await expect(clientOf(servers).read("x")).rejects.toMatchObject({ explain: { stopped: "attempts" } });
  });

  test("a handler sees which attempt it serves", async () => {
    const seen: number[] = [];
    const counting = {
      ...goodShop("a"),
      read(key: string, { attempt }: { attempt: number }) {
        seen.push(attempt);
        if (attempt < 3) throw unavailable();
        return key;
      },
    };
    await using servers = await fleet(kind, [counting]);
    expect(await clientOf(servers).read("x")).toBe("x");
    expect(seen).toEqual([1, 2, 3]);
  });

  test("an attempt timeout moves a call away from a server that hangs, and tells that server", async () => {
    const told = Promise.withResolvers<unknown>();
    const hanging = {
      ...goodShop("a"),
      read: (key: string, { signal }: { signal: AbortSignal }) =>
        key !== "slow"
          ? key
          : new Promise<string>(() => signal.addEventListener("abort", () => told.resolve(signal.reason))),
    };
    await using servers = await fleet(kind, [hanging, goodShop("b")]);
    for (let i = 0; i < 2; i++) await clientOf(servers).read("warm");
    const client = clientOf(servers, { ...fast, attemptTimeoutMs: 800 });
    expect(await client.read("slow")).toBe("slow from b");
    expect(await told.promise).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("a hedge answers for a server that hangs, whose handler is cancelled", async () => {
    const told = Promise.withResolvers<unknown>();
    const hanging = {
      ...goodShop("a"),
      read: (key: string, { signal }: { signal: AbortSignal }) =>
        key !== "slow"
          ? key
          : new Promise<string>(() => signal.addEventListener("abort", () => told.resolve(signal.reason))),
    };
    await using servers = await fleet(kind, [hanging, goodShop("b")]);
    const client = clientOf(servers, { hedge: { delayMs: 20, maxExtraShare: 1 } });
    for (let i = 0; i < 4; i++) await client.read("warm");
    expect(await client.read("slow")).toBe("slow from b");
    expect(await told.promise).toMatchObject({ code: "CANCELLED" });
  });

  test("the caller's deadline ends a call that waits for its next attempt, with its story", async () => {
    await using servers = await fleet(kind, [failingShop(unavailable)]);
    const client = clientOf(servers, {
      backoff: { baseMs: 40, maxMs: 40, jitter: "proportional" },
      attempts: 100,
      budget: false,
    });
    // There is a connection before time counts.
    await client.read("x", { values: new ContextValues().set(retryRules, false) }).catch(() => {});
    const error: unknown = await client.read("x", { timeoutMs: 800 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ explain: { stopped: "deadline" } });
    expect((error as RpcError).explain?.attempts.length).toBeGreaterThan(1);
    expect((error as RpcError).explanation).toMatch(/UNAVAILABLE; \d+ ms later .*not retried: deadline$/);
  });

  test("values of a call set its rules", async () => {
    await using servers = await fleet(kind, [failingShop(unavailable), goodShop("b")]);
    const client = clientOf(servers);
    const never = { values: new ContextValues().set(retryRules, false) };
    await expect(client.read("x", never)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("what cannot be sent fails once", async () => {
    const events: AttemptEvent[] = [];
    await using servers = await fleet(kind, [goodShop("a"), goodShop("b")]);
    const client = clientOf(servers, { ...fast, onAttempt: (event) => events.push(event) });
    const unsendable = { toString: () => "" } as never;
    await expect(client.read((() => unsendable) as never)).rejects.toMatchObject({ code: "INTERNAL" });
    expect(events).toHaveLength(1);
  });
});
