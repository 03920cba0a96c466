import { describe, expect, test } from "vitest";
import { Shop, shop } from "./contract.ts";
import { run, stacks } from "./stack.ts";
import { collect } from "./waits.ts";

describe.each(stacks)("calls over %s", (_, stack) => {
  test("one request, one response", async () => {
    await using running = await run(stack, Shop, shop());
    const at = new Date(1_700_000_000_123);
    expect(await running.client.order({ item: "pen", count: 2, at })).toEqual({
      id: "pen-1",
      total: 2n ** 60n + 2n,
      at,
    });
  });

  test("values of every type arrive as they were", async () => {
    await using running = await run(stack, Shop, shop());
    const value = {
      text: "tä€𝄞\u0000",
      numbers: [0, -1, 1.5, 2 ** 53, NaN, Infinity],
      bigint: -(2n ** 70n),
      bytes: new Uint8Array([0, 255]),
      at: new Date(5),
      nothing: [null, undefined],
      nested: { a: [{ b: {} }] },
    };
    expect(await running.client.echo(value)).toEqual(value);
    expect(await running.client.echo(undefined)).toBeUndefined();
  });

  test("streams of thousands of messages keep their order, pulled and pushed", async () => {
    await using running = await run(stack, Shop, shop());
    const { client } = running;
    let next = 20;
    for await (const { n } of client.watch({ from: 20, to: 5020 })) expect(n).toBe(next++);
    expect(next).toBe(5020);
    const all: number[] = [];
    await client.watch({ from: 20, to: 5020 }).forEach(({ n }) => all.push(n));
    expect(all).toEqual(Array.from({ length: 5000 }, (_, i) => i + 20));
    const numbers = Array.from({ length: 5000 }, (_, n) => ({ n }));
    expect(await client.sum(numbers)).toEqual({ sum: 12_497_500, count: 5000 });
    const texts = Array.from({ length: 2000 }, (_, i) => `line ${i}`);
    expect(await collect(client.talk(texts))).toEqual(texts.map((one) => one.toUpperCase()));
  });

  test("a thousand calls at once, of all kinds", async () => {
    await using running = await run(stack, Shop, shop());
    const { client } = running;
    const results = await Promise.all(
      Array.from({ length: 250 }, (_, i) => [
        client.echo(i),
        collect(client.watch({ from: 100, to: 103 })),
        client.sum([{ n: i }, { n: 1 }]),
        collect(client.talk([`a${i}`, `b${i}`])),
      ]).flat() as Promise<unknown>[],
    );
    for (let i = 0; i < 250; i++) {
      expect(results.slice(4 * i, 4 * i + 4)).toEqual([
        i,
        [{ n: 100 }, { n: 101 }, { n: 102 }],
        { sum: i + 1, count: 2 },
        [`A${i}`, `B${i}`],
      ]);
    }
    expect(running.server.openCalls).toBe(0);
  });
});
