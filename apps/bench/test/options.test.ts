import { describe, expect, test } from "vitest";
import { chooseDurations, fitted } from "../src/durations.ts";
import { parseOptions, UsageError } from "../src/options.ts";
import { makePlan } from "../src/plan.ts";
import { scenarios } from "../src/scenarios/index.ts";

const choices = { contenders: ["net", "ws", "grpc-js"], scenarios: ["s1", "s2"] };
const parse = (...args: string[]) => parseOptions(args, choices);

test("without options everything is measured at length", () => {
  expect(parse()).toEqual({
    only: undefined,
    scenarios: undefined,
    quick: false,
    json: undefined,
    rounds: undefined,
    roundMs: undefined,
  });
});

test("names are taken in the order of the reports, once, and files of contenders after them", () => {
  expect(parse("--only", "ws, net,ws,./mine.ts", "--scenario=s2,s1")).toMatchObject({
    only: ["net", "ws", "./mine.ts"],
    scenarios: ["s1", "s2"],
  });
});

test.each([
  [["--only", "grcp-js"], '--only: there is no "grcp-js"; there are net, ws, grpc-js'],
  [["--scenario", "s9"], '--scenario: there is no "s9"; there are s1, s2'],
  [["--only", ""], '--only: there is no ""; there are net, ws, grpc-js'],
  [["--rounds", "0"], '--rounds is a whole number from 1 to 1000, not "0"'],
  [["--round-ms", "1.5"], '--round-ms is a whole number from 1 to 600000, not "1.5"'],
  [["--rounds", "many"], '--rounds is a whole number from 1 to 1000, not "many"'],
  [["--jsn", "x"], "Unknown option '--jsn'"],
  [["s2"], "Unexpected argument 's2'"],
  [["--json"], "Option '--json <value>' argument missing"],
])("%j is refused with a sentence that says why", (args, message) => {
  expect(() => parse(...args)).toThrow(UsageError);
  expect(() => parse(...args)).toThrow(message);
});

test("help is not a mistake", () => {
  expect(parse("-h")).toBe("help");
});

describe("a plan", () => {
  const given = { scenarios, contenders: ["net", "trpc", "grpc-js"], openFiles: Infinity };
  const options = (...args: string[]) => {
    const parsed = parseOptions(args, { contenders: given.contenders, scenarios: scenarios.map(({ name }) => name) });
    if (parsed === "help") throw new Error("help");
    return parsed;
  };

  test("has every scenario, each with those whom it is about", () => {
    const { parts, leftOut } = makePlan(options(), given);
    expect(parts.map(({ scenario }) => scenario.name)).toEqual(scenarios.map(({ name }) => name));
    expect(parts.find(({ scenario }) => scenario.name === "scale")?.contenders).toEqual(["net", "grpc-js"]);
    expect(parts.find(({ scenario }) => scenario.name === "s2")?.contenders).toEqual(["net", "trpc", "grpc-js"]);
    expect(leftOut).toEqual([]);
  });

  test("asks everybody who is named, whomever the scenario is about", () => {
    const { parts } = makePlan(options("--only", "trpc", "--scenario", "scale"), given);
    expect(parts.map(({ contenders }) => contenders)).toEqual([["trpc"]]);
  });

  test("says what quick leaves out", () => {
    const { parts, leftOut } = makePlan(options("--quick"), given);
    expect(parts.map(({ scenario }) => scenario.rows.map(({ name }) => name))).toEqual([["64"]]);
    expect(leftOut).toHaveLength(2);
    expect(leftOut.join()).toMatch(/512 in flight.*s1, s3, s4/);
  });

  test("leaves out what needs more sockets than a process may have, and says so", () => {
    const { parts, leftOut } = makePlan(options("--scenario", "s8"), { ...given, openFiles: 1_024 });
    expect(parts[0]?.scenario.rows.map(({ name }) => name)).toEqual(["held"]);
    expect(leftOut[0]).toMatch(/idle connections: it needs more open files than ulimit -n 1024 allows/);
  });
});

describe("durations", () => {
  test("of a quick run fit into its minute, warm-up and starts included", () => {
    const cells = 20;
    const { rounds, roundMs, warmUp } = chooseDurations(
      { quick: true, rounds: undefined, roundMs: undefined },
      { cells, pairs: cells },
    );
    expect(cells * (rounds * roundMs + warmUp.ms)).toBeLessThan(45_000);
  });

  test("are those that the command line says", () => {
    expect(chooseDurations({ quick: false, rounds: 9, roundMs: 70 }, { cells: 1, pairs: 1 })).toMatchObject({
      rounds: 9,
      roundMs: 70,
      warmUp: { ms: 140 },
    });
  });

  test("shrink when the warm-up took longer than it should", () => {
    const durations = chooseDurations({ quick: true, rounds: undefined, roundMs: undefined }, { cells: 1, pairs: 1 });
    expect(fitted({ ...durations, endBy: performance.now() }, 10).roundMs).toBe(50);
    expect(fitted(durations, 1).roundMs).toBe(durations.roundMs);
  });
});
