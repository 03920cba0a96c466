import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

async function run(program: "main" | "serve", ...args: readonly string[]) {
  const file = fileURLToPath(new URL(`../src/${program}.ts`, import.meta.url));
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await closed) as [number | null];
  return { status, stdout, stderr };
}

test("the show ends by itself, and everything is as expected", { timeout: 60_000 }, async () => {
  const { status, stdout, stderr } = await run("main", "--once", "--servers", "2", "--in-flight", "16");
  expect(stderr).toBe("");
  expect(stdout).toContain("closing ATL cuts off 9,121 pairs of airports");
  expect(stdout).toContain("ends at its deadline (DEADLINE_EXCEEDED)");
  expect(stdout).toContain("restarted all servers");
  expect(stdout).toContain("SIGKILL to process");
  expect(stdout).toContain("Everything was as expected");
  expect(status).toBe(0);
});

describe("options that can't be right end with status 2 and say why", () => {
  test.each([
    ["main", "--mode fork", /--mode is one of cluster, reuse-port, threads, not "fork"/],
    ["main", "--servers 0", /--servers is a whole number from 1/],
    ["serve", "--port http", /--port is a whole number/],
    ["serve", "--fast", /Unknown option '--fast'/],
  ] as const)("%s %s", async (program, args, reason) => {
    const { status, stderr } = await run(program, ...args.split(" "));
    expect(stderr).toMatch(reason);
    expect(status).toBe(2);
  });
});

test("a taken port is said, and nothing stays", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const { status, stderr } = await run("serve", "--servers", "2", "--port", String(port));
  taken.close();
  expect(stderr).toMatch(/can't listen: .*EADDRINUSE/);
  expect(status).toBe(1);
});
