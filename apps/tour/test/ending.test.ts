import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Run } from "./run.ts";

// A `Run` is closed when nobody has its output open any more; the server has the same output as the tour.
describe("the tour's processes", () => {
  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("end at %s, however often it comes", async (name) => {
    const run = new Run("main");
    await run.printed(/Calculator/);
    for (let i = 0; i < 5; i++) run.process.kill(name);
    const { status } = await run.closed;
    expect(status).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[name]);
    expect(run.stderr).toBe("");
    expect(run.stdout).not.toContain("Every answer");
  });

  test("end at SIGINT also while they start", async () => {
    const run = new Run("main");
    run.process.kill("SIGINT");
    // Before it has begun to listen for signals, it ends as every process does.
    expect([
      { status: 130, signal: null },
      { status: null, signal: "SIGINT" },
    ]).toContainEqual(await run.closed);
  });

  test("end when the one that a user sees is killed, and leave no socket", async () => {
    const run = new Run("main", "--transport", "unix");
    const [, path = ""] = await run.printed(/at unix:(\S+);/);
    await run.printed(/DEADLINE_EXCEEDED/);
    expect(existsSync(path)).toBe(true);
    run.process.kill("SIGKILL");
    expect(await run.closed).toEqual({ status: null, signal: "SIGKILL" });
    expect(existsSync(path)).toBe(false);
  });

  test("end when nobody reads what they print", async () => {
    const run = new Run("main");
    await run.printed(/Calculator/);
    run.process.stdout?.destroy();
    const { status } = await run.closed;
    expect(status).toBe(141);
  });
});

describe("options that can't be right end with status 2 and say why", () => {
  const wrong: readonly (readonly ["main" | "server" | "client", string, RegExp])[] = [
    ["main", "--fast", /Unknown option '--fast'/],
    ["main", "now", /Unexpected argument 'now'/],
    ["main", "--codec xml", /--codec is one of cbor, json, msgpack, not "xml"/],
    ["main", "--codec", /--codec/],
    ["main", "--transport pigeon", /--transport is one of tcp, unix, memory, not "pigeon"/],
    ["main", "--transport memory --explain", /memory has only one/],
    ["server", "", /either --port or --path/],
    ["server", "--port http", /"http" is not a port/],
    ["client", "", /needs the --address/],
    ["client", "--address nowhere", /"nowhere" is not an address/],
  ];

  test.each(wrong)("%s %s", async (program, args, message) => {
    const run = new Run(program, ...args.split(" ").filter((arg) => arg !== ""));
    expect((await run.closed).status).toBe(2);
    expect(run.stderr).toMatch(message);
    expect(run.stdout).toBe("");
  });

  test.each(["main", "server", "client"] as const)("%s --help says what is right", async (program) => {
    const run = new Run(program, "--help");
    expect((await run.closed).status).toBe(0);
    expect(run.stdout).toContain(program === "server" ? "--port" : "--codec");
  });
});
