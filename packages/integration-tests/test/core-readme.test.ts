import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer } from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { describe, expect, test } from "vitest";
import { timing } from "../examples/timing.ts";
import { Shop, shop } from "./contract.ts";
// Declares the suite that the README shows.
import "../examples/memory-compliance.ts";

const examples = join(import.meta.dirname, "..", "examples");

describe("the README of core", () => {
  test.each(["bank.ts", "timing.ts", "memory-compliance.ts"])("shows %s as it is", (name) => {
    const readme = readFileSync(join(import.meta.dirname, "../../core/README.md"), "utf8");
    expect(readme).toContain(`\`\`\`ts\n${readFileSync(join(examples, name), "utf8")}\`\`\``);
  });

  test("its example prints what it says", () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [join(examples, "bank.ts")], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toBe("{ left: 70 }\n100\n-30\n10 too much\n");
    expect(status).toBe(0);
  });

  test("its interceptor tells how long calls took", async () => {
    const link = memory();
    await using server = createServer({ codecs: [cbor()] }).add(Shop, shop());
    await server.listen(link.server);
    await using transport = link.client;
    const told: unknown[] = [];
    const use = [timing((method, ms, code) => told.push([method, typeof ms, code]))];
    const client = createClient(Shop, { transport, codec: cbor(), use });
    await client.echo(1);
    await client.order({ item: "denied", count: 1, at: new Date() }).catch(() => {});
    expect(told).toEqual([
      ["shop.v1.Shop/echo", "number", "OK"],
      ["shop.v1.Shop/order", "number", "PERMISSION_DENIED"],
    ]);
  });
});
