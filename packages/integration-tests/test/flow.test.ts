import { describe, expect, test } from "vitest";
import { Shop, shop, ShopLog } from "./contract.ts";
import { run, stacks } from "./stack.ts";
import { rpcRejection } from "./waits.ts";

describe.each(stacks)("sizes and flow over %s", (_, stack) => {
  test("large messages arrive whole, and small calls get through meanwhile", async () => {
    const limits = { maxMessageBytes: 32 << 20 };
    await using running = await run(stack, Shop, shop(), { server: { limits }, limits });
    const large = new Uint8Array(6 << 20).map((_, i) => i * 7);
    const order: string[] = [];
    const [answer] = await Promise.all([
      running.client.echo(large).finally(() => order.push("large")),
      ...Array.from({ length: 20 }, (_, i) => running.client.echo(i).finally(() => order.push("small"))),
    ]);
    expect(Buffer.compare(answer as Uint8Array, large)).toBe(0);
    expect(order.at(-1)).toBe("large");
  });

  test("above the limit there is one named outcome, and the connection lives", async () => {
    await using running = await run(stack, Shop, shop(), { server: { limits: { maxMessageBytes: 100_000 } } });
    expect(await rpcRejection(running.client.echo("x".repeat(200_000)))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      processed: "no",
    });
    expect(await running.client.echo("x")).toBe("x");
  });

  test("readers that stop hold their senders back, and memory with them", async () => {
    const log = new ShopLog();
    await using running = await run(stack, Shop, shop(log));
    const streams = Array.from({ length: 10 }, () => running.client.endless(100_000));
    for (const stream of streams) await stream.next();
    expect(await running.client.echo("others go on")).toBe("others go on");
    for (const stream of streams) expect((await stream.next()).value).toHaveLength(100_000);
    for (const stream of streams) stream.cancel();
    await expect.poll(() => log.finished).toBe(10);
    expect(running.server.openCalls).toBe(0);
  });
});
