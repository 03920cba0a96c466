import { getEventListeners } from "node:events";
import { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { Shop, shop, ShopLog } from "./contract.ts";
import { run, stacks } from "./stack.ts";

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

/** What keeps the process alive, apart from what the runner uses itself. */
function resources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((one) => /Timeout|TCP|Pipe|TLS|Immediate/.test(one))
    .toSorted();
}

const wanted = new Set(["CANCELLED", "DEADLINE_EXCEEDED"]);

describe.each([stacks[1], stacks[4], stacks[7]] as typeof stacks)("after 33,334 mixed calls over %s", (name, stack) => {
  test("no timer, listener, slot or socket is left", { timeout: 120_000 }, async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`mixed calls over ${name}: seed ${seed}`);
    const random = generator(seed);
    const before = resources();
    const log = new ShopLog();
    const shared = new AbortController();
    {
      await using running = await run(stack, Shop, shop(log));
      const { client, server } = running;
      const outcomes = { ok: 0, failed: 0 };

      const one = async (): Promise<void> => {
        const dice = random();
        const own = new AbortController();
        const signal = dice < 0.5 ? shared.signal : own.signal;
        const options = random() < 0.2 ? { signal, timeoutMs: 1 + random() * 20 } : { signal };
        const abort = dice >= 0.5 && random() < 0.3;
        const kind = Math.floor(random() * 6);
        if (abort) queueMicrotask(() => own.abort());
        const late = abort || kind === 5 ? setTimeout(() => own.abort(), random() * 5) : undefined;
        try {
          if (kind === 0) await client.echo(dice, options);
          else if (kind === 1)
            for await (const { n } of client.watch({ from: 20, to: 24 }, options)) if (n === 22 && dice < 0.3) break;
          if (kind === 2) await client.sum([{ n: 1 }, { n: 2 }], options);
          else if (kind === 3) for await (const _ of client.talk(["a", "b"], options)) if (dice > 0.8) break;
          if (kind === 4) for await (const _ of client.endless(5000, options)) if (random() < 0.3) break;
          if (kind === 5) await client.wait("a", { ...options, timeoutMs: 1 + random() * 10 });
          outcomes.ok++;
        } catch (error) {
          if (!(error instanceof RpcError) || !wanted.has(error.code)) throw error;
          outcomes.failed++;
        } finally {
          clearTimeout(late);
        }
        if (getEventListeners(own.signal, "abort").length > 0) throw new Error("a listener was left");
      };

      let left = 33_334;
      await Promise.all(
        Array.from({ length: 200 }, async () => {
          while (left-- > 0) await one();
        }),
      );
      expect(outcomes.ok + outcomes.failed).toBe(33_334);
      expect(outcomes.failed).toBeGreaterThan(1000);
      expect(getEventListeners(shared.signal, "abort")).toHaveLength(0);
      await expect.poll(() => server.openCalls).toBe(0);
      expect(running.errors).toEqual([]);
      // The numbers of ended calls are free again.
      expect(await Promise.all(Array.from({ length: 1000 }, (_, i) => client.echo(i)))).toHaveLength(1000);
    }
    await expect.poll(resources, { timeout: 10_000 }).toEqual(before);
  });
});
