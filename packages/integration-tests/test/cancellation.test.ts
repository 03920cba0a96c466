import { getEventListeners } from "node:events";
import { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { Shop, shop, ShopLog } from "./contract.ts";
import { run, stacks } from "./stack.ts";
import { collect, rpcRejection } from "./waits.ts";

describe.each(stacks)("cancellation and deadlines over %s", (_, stack) => {
  test("an abort reaches the handler of every kind, and its generators end", async () => {
    const log = new ShopLog();
    await using running = await run(stack, Shop, shop(log));
    const { client, server } = running;
    const controller = new AbortController();
    const { signal } = controller;
    const stuck = async function* () {
      yield { n: 1 };
      yield await new Promise<never>(() => {});
    };
    const calls = [
      client.wait("a", { signal }),
      collect(client.endless(1, { signal })),
      client.sum(stuck(), { signal }),
      collect(
        client.talk(
          (async function* () {
            yield await new Promise<never>(() => {});
          })(),
          { signal },
        ),
      ),
    ].map((call) => rpcRejection(call as Promise<unknown>));
    await expect.poll(() => server.openCalls).toBe(4);
    await expect.poll(() => log.began).toBe(2);
    controller.abort();
    for (const error of await Promise.all(calls))
      expect(error).toMatchObject({ code: "CANCELLED", explain: { stopped: "cancelled" } });
    await expect.poll(() => server.openCalls).toBe(0);
    await expect.poll(() => log.finished).toBe(1);
    expect(log.aborted).toEqual(["CANCELLED", "CANCELLED"]);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(await client.echo("fine")).toBe("fine");
  });

  test("leaving a loop runs the generator's finally", async () => {
    const log = new ShopLog();
    await using running = await run(stack, Shop, shop(log));
    for await (const _ of running.client.endless(10)) break;
    await expect.poll(() => log.finished).toBe(1);
    expect(running.server.openCalls).toBe(0);
  });

  test("a deadline ends the call here and there, and the error says where the time went", async () => {
    const log = new ShopLog();
    await using running = await run(stack, Shop, shop(log));
    await running.client.echo("connected");
    const error = await rpcRejection(running.client.wait("a", { timeoutMs: 60 }));
    expect(error).toBeInstanceOf(RpcError);
    expect(error.code).toBe("DEADLINE_EXCEEDED");
    expect(error.explanation).toMatch(/of 60 ms: (waiting|sending)/);
    await expect.poll(() => running.server.openCalls).toBe(0);
    expect(log.aborted).toEqual(log.began === 1 ? ["DEADLINE_EXCEEDED"] : []);
  });
});
