import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { tcpListener } from "../src/tcp-listener.ts";
import { connect, listen } from "./ends.ts";

const folder = mkdtempSync(join(tmpdir(), "farcall-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));

test("listens on this machine only unless told otherwise, and says its real port", async () => {
  const { address, accepted } = await listen({ port: 0 });
  expect(address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  const { connection } = await connect(address);
  expect(connection.peer).toEqual({ address, transport: "tcp" });
  await expect.poll(() => accepted[0]?.connection.peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
});

test.runIf(hasIPv6)("writes IPv6 in brackets", async () => {
  const { address, accepted } = await listen({ port: 0, host: "::1" });
  expect(address).toMatch(/^\[::1\]:\d+$/);
  expect((await connect(address)).connection.peer.address).toBe(address);
  await expect.poll(() => accepted[0]?.connection.peer.address).toMatch(/^\[::1\]:\d+$/);
});

test("a taken port is EADDRINUSE, and free as soon as close has returned", async () => {
  const listener = tcpListener({ port: 0 });
  const first = await listener.listen(() => {});
  const port = Number(first.address.split(":")[1]);
  await expect(listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await first.close();
  expect((await listen({ port })).address).toBe(first.address);
});

test.each([
  [{}, /either port or path/],
  [{ port: 1, path: "x" }, /either port or path/],
  [{ port: -1 }, /0 .* to 65535/],
  [{ port: 70_000 }, /0 .* to 65535/],
  [{ port: 0, host: "" }, /interface/],
  [{ path: "" }, /isn't empty/],
])("%o throws a TypeError", (options, reason) => {
  expect(() => tcpListener(options)).toThrow(TypeError);
  expect(() => tcpListener(options)).toThrow(reason);
});

test("a Unix socket's file comes with listen and goes with close", async () => {
  const path = join(folder, "a.sock");
  const bound = await tcpListener({ path }).listen(() => {});
  expect(bound.address).toBe(`unix:${path}`);
  expect(existsSync(path)).toBe(true);
  await bound.close();
  expect(existsSync(path)).toBe(false);
});

test("both ends of a Unix socket are called by its path", async () => {
  const path = join(folder, "b.sock");
  const { address, accepted } = await listen({ path });
  const { connection } = await connect(address);
  await expect.poll(() => accepted.length).toBe(1);
  expect(connection.peer).toEqual({ address: `unix:${path}`, transport: "unix" });
  expect(accepted[0]?.connection.peer).toEqual({ address: `unix:${path}`, transport: "unix" });
});

test("a Unix socket that somebody answers at is EADDRINUSE", async () => {
  const path = join(folder, "live.sock");
  const { address } = await listen({ path });
  await expect(listen({ path })).rejects.toMatchObject({ code: "EADDRINUSE" });
  await connect(address);
});

test("a Unix socket that a killed process left is replaced", async () => {
  const path = join(folder, "stale.sock");
  const killed = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", killed]);
  expect(existsSync(path)).toBe(true);
  const { address } = await listen({ path });
  await connect(address);
});

test("a file that isn't a socket is left alone", async () => {
  const path = join(folder, "file");
  writeFileSync(path, "precious");
  await expect(listen({ path })).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(existsSync(path)).toBe(true);
});

test("connecting to a Unix socket that isn't there says so", async () => {
  await expect(connect(`unix:${join(folder, "none.sock")}`)).rejects.toThrow(
    /there is no such file; is the server running/,
  );
});
