import type { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { Shop, shop } from "./contract.ts";
import { run, stacks } from "./stack.ts";

describe.each(stacks)("code that runs while a message is encoded, over %s", (_, stack) => {
  test("cannot begin a call; the message and the connection are whole", async () => {
    await using running = await run(stack, Shop, shop());
    const { client } = running;
    await client.echo("warm");
    const inner: unknown[] = [];
    const message = {
      before: "x".repeat(50),
      get reading(): number {
        inner.push(client.echo("from inside").catch((error: unknown) => error));
        return 7;
      },
    };
    const answers = await Promise.all([client.echo(1), client.echo(message), client.echo(2)]);
    expect(answers).toEqual([1, { before: "x".repeat(50), reading: 7 }, 2]);
    const refused = (await Promise.all(inner)) as RpcError[];
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error).toMatchObject({ code: "INTERNAL", processed: "no" });
    expect(await client.echo("after")).toBe("after");
  });

  test("may cancel another call, and its own", async () => {
    await using running = await run(stack, Shop, shop());
    const { client } = running;
    await client.echo("warm");
    const other = new AbortController();
    const own = new AbortController();
    const waiting = client.wait("other", { signal: other.signal });
    const message = {
      get reading(): number {
        other.abort();
        own.abort();
        return 7;
      },
    };
    const results = await Promise.allSettled([waiting, client.echo(message, { signal: own.signal })]);
    expect(results).toMatchObject([
      { status: "rejected", reason: { code: "CANCELLED" } },
      { status: "rejected", reason: { code: "CANCELLED" } },
    ]);
    expect(await client.echo("after")).toBe("after");
  });

  test("that cancels its own call costs no credit, however often", async () => {
    await using running = await run(stack, Shop, shop());
    const { client } = running;
    await client.echo("warm");
    for (let i = 0; i < 40; i++) {
      const own = new AbortController();
      const message = {
        get reading(): string {
          own.abort();
          return "x".repeat(60_000);
        },
      };
      await expect(client.echo(message, { signal: own.signal })).rejects.toMatchObject({ code: "CANCELLED" });
    }
    expect(await client.echo("after")).toBe("after");
  });
});
