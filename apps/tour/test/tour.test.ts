import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Run, tour } from "./run.ts";

describe("the tour", () => {
  test("shows each kind of call, and how calls fail", async () => {
    const { status, stdout, stderr } = await tour("--once");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/server is process \d+, at 127\.0\.0\.1:\d+; this is process \d+/);
    for (const part of [
      "await calculator.add({ a: 19, b: 23 })\n  → { total: 42 }",
      "FAILED_PRECONDITION: 1 cannot be divided by zero",
      "INVALID_ARGUMENT: the request of tour.calculator.v1.Calculator/squareRoot is not what the contract says: of: ",
      "DEADLINE_EXCEEDED: tour.calculator.v1.Calculator/ponder has not ended in time",
      "of 200 ms: waiting",
      "▆▆▆▇█▇▇▇▅▅▄▄  January 135.36 to December 85.35",
      "server │ the reader of MSFT left after",
      "days: 365",
      "bot │ Goodbye.",
      "Every answer was as expected",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(status).toBe(0);
  });

  test("has no colours where nobody watches a terminal", async () => {
    const { stdout } = await tour("--once", "--transport", "memory");
    expect(stdout).not.toContain("\u001b");
  });

  test.each(["json", "msgpack"])("speaks %s", async (codec) => {
    const { status, stdout, stderr } = await tour("--once", "--codec", codec);
    expect(stderr).toBe("");
    expect(stdout).toContain(`Messages travel as ${codec}.`);
    expect(status).toBe(0);
  });

  test("takes a Unix socket, and leaves no file", async () => {
    const { status, stdout, stderr } = await tour("--once", "--transport", "unix");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const path = /at unix:(\S+);/.exec(stdout)?.[1];
    expect(path).toBeDefined();
    expect(existsSync(path as string)).toBe(false);
  });

  test("takes memory, and says what that means", async () => {
    const { status, stdout, stderr } = await tour("--once", "--transport", "memory");
    expect(stderr).toBe("");
    expect(stdout).toContain("within one process");
    expect(status).toBe(0);
  });
});

describe("--explain", () => {
  test.each(["tcp", "unix"])("shows nine steps in order over %s", async (transport) => {
    const { status, stdout, stderr } = await tour("--once", "--explain", "--transport", transport);
    expect(stderr).toBe("");
    const steps = stdout.slice(stdout.indexOf("One call in nine steps")).split("\n");
    const numbered = steps.map((line) => /^ {2}(\d) +\d+ {2}(\w+)/.exec(line)).filter((match) => match !== null);
    expect(numbered.map(([, number, where]) => `${number} ${where}`)).toEqual([
      "1 caller",
      "2 client",
      "3 network",
      "4 server",
      "5 server",
      "6 handler",
      "7 server",
      "8 client",
      "9 caller",
    ]);
    const times = steps.flatMap((line) => /^ {2}\d? +(\d+) {2}\w/.exec(line)?.[1] ?? []).map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(steps.join("\n")).toMatch(/encodes the arguments as cbor\n +([0-9a-f]{2} )+ \d+ bytes/);
    expect(status).toBe(0);
  });
});

describe("by hand", () => {
  test("server and client are started apart", async () => {
    const server = new Run("server", "--port", "0");
    const [, address = ""] = await server.printed(/listening on (\S+);/);
    const client = new Run("client", "--address", address, "--once", "--codec", "json");
    expect(await client.closed).toEqual({ status: 0, signal: null });
    expect(client.stdout).toContain("Every answer was as expected");
    server.process.kill("SIGTERM");
    expect(await server.closed).toEqual({ status: 0, signal: null });
    expect(server.stdout).toContain("the reader of MSFT left");
  });

  test("a client without a server says so and fails", async () => {
    const client = new Run("client", "--address", "unix:/nowhere/tour.sock", "--once");
    expect(await client.closed).toEqual({ status: 1, signal: null });
    expect(client.stderr).toContain("is the server running?");
  });
});
