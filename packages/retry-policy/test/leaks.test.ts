import { getEventListeners } from "node:events";
import { cbor } from "@farcall/codec/cbor";
import { createClient, RpcError } from "@farcall/core";
import { expect, test } from "vitest";
import { type Clock, retry } from "../src/index.ts";
import { fleet } from "./fleet.ts";
import { goodShop, Shop } from "./shop.ts";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The system's clock that counts what is started and neither fired nor stopped. */
class CountingClock implements Clock {
  readonly #open = new Set<unknown>();

  get pending(): number {
    return this.#open.size;
  }

  now(): number {
    return performance.now();
  }

  start(run: () => void, ms: number): unknown {
    const timer = setTimeout(() => {
      this.#open.delete(timer);
      run();
    }, ms);
    this.#open.add(timer);
    return timer;
  }

  stop(timer: unknown): void {
    this.#open.delete(timer);
    clearTimeout(timer as ReturnType<typeof setTimeout>);
  }
}

test(
  "after 10,000 mixed calls over failing servers no timer, listener or kept byte is left",
  { timeout: 60_000 },
  async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`mixed retried calls: seed ${seed}`);
    const random = generator(seed);
    const clock = new CountingClock();
    const shared = new AbortController();
    const flaky = (name: string) => {
      const good = goodShop(name);
      const maybe = (): void => {
        const dice = random();
        if (dice < 0.2) throw new RpcError("UNAVAILABLE", "flaky");
        if (dice < 0.25) throw new RpcError("RESOURCE_EXHAUSTED", "busy", { retryAfterMs: 1, processed: "no" });
        if (dice < 0.28) throw new RpcError("NOT_FOUND", "flaky");
      };
      return {
        read: async (key: string) => {
          maybe();
          if (random() < 0.05) await new Promise((resolve) => setTimeout(resolve, 30));
          return key;
        },
        order: (item: string) => (maybe(), item),
        async *list(n: number) {
          maybe();
          for (let i = 1; i <= n; i++) yield i;
          maybe();
        },
        async sum(requests: AsyncIterable<number>) {
          maybe();
          let sum = 0;
          for await (const one of requests) sum += one;
          maybe();
          return sum;
        },
        talk: good.talk,
      } as typeof good;
    };
    {
      await using servers = await fleet("memory", ["a", "b", "c"].map(flaky));
      const options = { codec: cbor(), transport: servers.transport };
      const common = { clock, random, backoff: { baseMs: 1, maxMs: 3 }, attemptTimeoutMs: 15, budget: false } as const;
      const retried = createClient(Shop, { ...options, use: [retry(common)] });
      const { backoff: _, ...withoutBackoff } = common;
      const hedged = createClient(Shop, {
        ...options,
        use: [retry({ ...withoutBackoff, hedge: { delayMs: 2, maxExtraShare: 1 } })],
      });
      let done = 0;
      let unexplained = 0;
      const one = async (): Promise<void> => {
        const client = random() < 0.5 ? retried : hedged;
        const own = new AbortController();
        const call = { signal: random() < 0.5 ? shared.signal : own.signal, timeoutMs: random() < 0.1 ? 5 : 1_000 };
        if (random() < 0.1) setImmediate(() => own.abort());
        const kind = Math.floor(random() * 5);
        try {
          if (kind === 0) await client.read("x", call);
          else if (kind === 1) await client.order("x", call);
          else if (kind === 2) for await (const n of client.list(5, call)) if (n === 4 && random() < 0.3) break;
          if (kind === 3) await client.sum([1, 2, 3], call);
          else if (kind === 4) for await (const __ of client.talk(["a", "b"], call)) if (random() < 0.3) break;
        } catch (error) {
          if (!(error instanceof RpcError)) throw error;
          if (error.explain === undefined) unexplained++;
        }
        done++;
      };
      for (let i = 0; i < 10_000; i += 100) await Promise.all(Array.from({ length: 100 }, one));
      expect(done).toBe(10_000);
      expect(unexplained).toBe(0);
      expect(clock.pending).toBe(0);
      expect(getEventListeners(shared.signal, "abort")).toHaveLength(0);
    }
  },
);
