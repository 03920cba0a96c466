import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Results } from "../src/run/results.ts";
import { runProgram } from "./run-bench.ts";

const folder = mkdtempSync(join(tmpdir(), "farcall-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

// They start up to a dozen processes.
vi.setConfig({ testTimeout: 60_000 });

const short = ["--quick", "--rounds", "2", "--round-ms", "100"];

test("a run prints every contender and writes every round, with the machine and the versions", async () => {
  const file = join(folder, "results.json");
  const { status, stdout, stderr } = await runProgram(
    "src/main.ts",
    short.concat("--only", "net,ws-json", "--scenario", "s2", "--json", file),
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toMatch(/64 in flight\n.*calls\/s.*× net\nnet .*1\.0 ×\nws-json .*×\n/);

  const results = JSON.parse(readFileSync(file, "utf8")) as Results;
  expect(results).toMatchObject({
    version: 1,
    options: { rounds: 2, roundMs: 100, quick: true },
    machine: { node: process.version, cores: expect.any(Number) },
    contenders: { "ws-json": { wire: "websocket", codec: "json", packages: { ws: expect.stringMatching(/^\d+\./) } } },
  });
  const rows = results.scenarios.flatMap((scenario) => scenario.rows);
  expect(rows.map(({ name }) => name)).toEqual(["64", "512"]);
  for (const { results: measured } of rows) {
    expect(measured.map(({ contender }) => contender)).toEqual(["net", "ws-json"]);
    for (const { rounds, error } of measured) {
      expect(error).toBeUndefined();
      expect(rounds).toHaveLength(2);
      for (const figures of rounds) {
        expect(figures["count"]).toBeGreaterThan(0);
        expect(figures["perSecond"]).toBeCloseTo((figures["count"]! / figures["ms"]!) * 1_000, 3);
        expect(figures["cpuUs"]).toBeCloseTo(figures["clientCpuUs"]! + figures["serverCpuUs"]!, 3);
        expect(figures["serverCpuUs"]).toBeGreaterThan(0);
      }
    }
  }
});

test("a wrong reply and a dead server each fail their contender, not the others, and the run", async () => {
  const contenders = "net,./test/fixtures/wrong.ts,./test/fixtures/dying.ts";
  const { status, stdout } = await runProgram("src/main.ts", [...short, "--only", contenders]);
  expect(stdout).toMatch(/^wrong FAILED: wrong reply: add\(99, \d+\) gave \d+$/m);
  expect(stdout).toMatch(/^dying FAILED: the server died: it ended with 1; RangeError: no more than fifty$/m);
  expect(stdout).toMatch(/^net .*%/m);
  expect(status).toBe(1);
});

test("an interrupted run ends its processes", async () => {
  let processes: number[] = [];
  const { status } = await runProgram(
    "src/main.ts",
    ["--only", "./test/fixtures/endless.ts", "--scenario", "s2"],
    (stdout, interrupt) => {
      processes = Array.from(stdout.matchAll(/^started (\d+)$/gm), ([, pid]) => Number(pid));
      // This process, the server and the client.
      if (processes.length === 3) interrupt();
    },
  );
  expect(status).toBe(130);
  await expect.poll(() => processes.filter(isAlive)).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
