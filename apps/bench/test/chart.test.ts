import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { markdown } from "../src/chart/markdown.ts";
import { panelsOf } from "../src/chart/panels.ts";
import { svg } from "../src/chart/svg.ts";
import type { ContenderResult, Results } from "../src/run/results.ts";
import { runProgram } from "./run-bench.ts";

const contender = (codec: string) => ({ wire: "tcp", codec, packages: {} });
const measured = (name: string, ...perSecond: number[]): ContenderResult => {
  return { contender: name, rounds: perSecond.map((value) => ({ perSecond: value, cpuUs: 1e6 / value })) };
};
const row = (name: string, results: ContenderResult[]) => ({
  name,
  title: `${name} in flight`,
  columns: [
    { key: "perSecond", title: "calls/s", better: "more" as const },
    { key: "cpuUs", title: "CPU µs/call", better: "less" as const },
  ],
  results,
});
const results: Results = {
  version: 1,
  startedAt: "2026-03-01T10:00:00.000Z",
  options: { rounds: 3, roundMs: 1_000, warmUpMs: 2_000, quick: false },
  machine: {
    cpu: "Some <CPU>",
    cores: 2,
    memoryBytes: 1,
    platform: "Linux",
    node: "v24.1.0",
    pinned: null,
    loadAverage: 0,
  },
  contenders: {
    net: contender("raw"),
    "farcall-cbor": contender("cbor"),
    "ws-json": contender("json"),
    broken: contender("json"),
  },
  scenarios: [
    {
      name: "s2",
      title: "Small calls",
      rows: [
        row("64", [
          measured("net", 900, 1_000, 5_000),
          measured("farcall-cbor", 400, 410, 390),
          measured("ws-json", 100, 90, 95),
          { contender: "broken", rounds: [{ perSecond: 9_999, cpuUs: 1 }], error: "wrong reply" },
        ]),
      ],
    },
    {
      name: "s3",
      title: "Orders",
      rows: [row("64", [measured("farcall-cbor", 50), measured("ws-json", 60)])],
    },
  ],
  leftOut: [],
};

test("the table has medians, the best of each column in bold, and no figure of whoever failed", () => {
  const lines = markdown(results).split("\n");
  expect(lines[0]).toBe("|  | small calls/s, 64 in flight | CPU µs | 1 KiB orders/s | CPU µs |");
  expect(lines[2]).toBe("| *net* (nothing decoded) | 1,000 | 1,000 | – | – |");
  expect(lines[3]).toBe("| farcall-cbor | **400** | **2,500** | 50.0 | 20,000 |");
  expect(lines[4]).toBe("| ws-json | 95.0 | 10,500 | **60.0** | **16,700** |");
  expect(lines[5]).toBe("| broken | – | – | – | – |");
});

test("where a peer is ahead, the text under the table says so", () => {
  expect(markdown(results)).toContain("- 1 KiB orders/s, 64 in flight: ws-json (60.0); farcall-cbor 50.0");
  expect(markdown(results)).not.toContain("- small calls/s");
});

test("the chart has a panel for each scenario that was measured, and the limit only as a number", () => {
  const panels = panelsOf(results);
  expect(panels.map(({ title, limit }) => [title, limit])).toEqual([
    ["Small calls", 1_000],
    ["1 KiB orders", undefined],
  ]);
  expect(panels[0]?.bars.map(({ contender: name, value }) => [name, value])).toEqual([
    ["farcall-cbor", 400],
    ["ws-json", 95],
    ["broken", undefined],
  ]);
});

test("bars are as long as their values, and text is escaped", () => {
  const drawn = svg(panelsOf(results), "Some <CPU>");
  const widths = Array.from(drawn.matchAll(/class="(?:our-)?bar" .*?width="([\d.]+)"/g), ([, width]) => Number(width));
  expect(widths[1]! / widths[0]!).toBeCloseTo(95 / 400, 2);
  expect(drawn).toContain("Some &#60;CPU&#62;");
  expect(drawn).toContain("prefers-color-scheme: dark");
});

const folder = mkdtempSync(join(tmpdir(), "farcall-chart-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the program writes the picture and prints the table", async () => {
  const [json, picture] = [join(folder, "results.json"), join(folder, "bench.svg")];
  writeFileSync(json, JSON.stringify(results));
  const { status, stdout } = await runProgram("src/chart.ts", [json, "--svg", picture, "--markdown"]);
  expect(status).toBe(0);
  expect(stdout).toBe(markdown(results));
  expect(readFileSync(picture, "utf8")).toMatch(/^<svg /);
});

test("the program refuses a file that no run wrote", async () => {
  const file = join(folder, "other.json");
  writeFileSync(file, "{}");
  const { status, stderr } = await runProgram("src/chart.ts", [file]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/other\.json is not what the benchmark's --json writes\nnode src\/chart\.ts/);
});
