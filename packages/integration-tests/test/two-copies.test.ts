import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as core from "@farcall/core";
import { afterAll, expect, test } from "vitest";
import { OutOfStock, Shop, shop } from "./contract.ts";
import { run, stacks } from "./stack.ts";
import { rpcRejection } from "./waits.ts";

const source = dirname(fileURLToPath(import.meta.resolve("@farcall/core")));
const folder = mkdtempSync(join(tmpdir(), "farcall-core-"));
cpSync(source, folder, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true }));
const copy = (await import(/* @vite-ignore */ join(folder, "index.ts"))) as typeof core;

test("they are two", () => {
  expect(copy.RpcError).not.toBe(core.RpcError);
  expect(copy.createClient).not.toBe(core.createClient);
});

test("an RpcError of one is recognised by the other", () => {
  const error = new copy.RpcError("ABORTED", "x");
  expect(error instanceof core.RpcError).toBe(true);
  expect(core.RpcError.from(error)).toBe(error);
  expect(new core.RpcError("ABORTED") instanceof copy.RpcError).toBe(true);
});

test.each(stacks.slice(0, 3))("over %s, a client of one copy talks to a server of the other", async (_, stack) => {
  await using running = await run(stack, Shop, {
    ...shop(),
    wait() {
      throw new copy.RpcError("NOT_FOUND", "of the other copy");
    },
  });
  const client = copy.createClient(Shop, { transport: running.transport, codec: stack.codec });
  const error = await rpcRejection(client.order({ item: "pen", count: 101, at: new Date(0) }));
  expect(OutOfStock.is(error) && error.data.left).toBe(100);
  expect(await rpcRejection(running.client.wait("a"))).toMatchObject({
    code: "NOT_FOUND",
    rawMessage: "of the other copy",
  });
  expect(await client.echo(1)).toBe(1);
});

test("nothing at all happens on import", () => {
  const script = `await import(${JSON.stringify(join(folder, "index.ts"))}); console.log(process.getActiveResourcesInfo().length)`;
  const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(Number(stdout)).toBeLessThanOrEqual(3);
});
