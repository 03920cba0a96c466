import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { serverStarter, type StartServer } from "../src/servers/start-server.ts";
import { Supervisor } from "../src/servers/supervisor.ts";

const good = serverStarter("threads", fileURLToPath(new URL("../src/server.ts", import.meta.url)), []);
const crashes = serverStarter("threads", fileURLToPath(new URL("crashing-server.ts", import.meta.url)), []);
const fails = serverStarter("reuse-port", fileURLToPath(new URL("failing-server.ts", import.meta.url)), []);
const neverListens = serverStarter("reuse-port", fileURLToPath(new URL("silent-server.ts", import.meta.url)), []);

/** A supervisor whose servers are started by `starts` in turn, the last of them again and again. */
function supervise(count: number, starts: readonly StartServer[], options: { startTimeoutMs?: number } = {}) {
  const lines: string[] = [];
  let started = 0;
  const start: StartServer = (port) => (starts[Math.min(started++, starts.length - 1)] as StartServer)(port);
  const log = (line: string): void => void lines.push(line);
  const supervisor = new Supervisor({ count, port: 0, start, graceMs: 1_000, backoffMs: 1, log, ...options });
  onTestFinished(() => supervisor.stop());
  return { supervisor, lines, started: () => started };
}

test("a thread that crashes is replaced, and the process goes on", { timeout: 60_000 }, async () => {
  const { supervisor, lines } = supervise(1, [crashes, crashes, good]);
  await supervisor.start();
  await expect.poll(() => lines.filter((line) => line.endsWith("takes its place")).length, { timeout: 30_000 }).toBe(2);
  expect(lines.filter((line) => line.includes("ended unasked: crashed on purpose")).length).toBe(2);
});

test(
  "a restart whose first new server doesn't come up is given up, and the old ones stay",
  { timeout: 60_000 },
  async () => {
    const { supervisor, lines, started } = supervise(2, [good, good, fails]);
    await supervisor.start();
    await supervisor.restart();
    expect(started()).toBe(3);
    expect(lines.at(-1)).toMatch(
      /^gave up the restart, thread \d+ stays: process \d+: it ended before it listened: status 3$/,
    );
    expect(lines.filter((line) => line.includes("drained"))).toEqual([]);
  },
);

test("servers that can't start are an error of the start, and nothing is left", { timeout: 60_000 }, async () => {
  const { supervisor } = supervise(1, [neverListens], { startTimeoutMs: 500 });
  await expect(supervisor.start()).rejects.toThrow(/ended before it listened: SIGKILL/);
  await supervisor.stop();
});

test("stopping ends also a server that is about to replace another", { timeout: 60_000 }, async () => {
  const { supervisor, started } = supervise(1, [crashes, neverListens]);
  await supervisor.start();
  await expect.poll(started, { timeout: 30_000 }).toBe(2);
  await supervisor.stop();
  expect(started()).toBe(2);
});
