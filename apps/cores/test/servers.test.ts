import { describe, expect, test } from "vitest";
import type { Callers } from "../src/callers/callers.ts";
import { modes } from "../src/servers/start-server.ts";
import { call, processesLeft, serve } from "./serving.ts";

/** Which servers answer, from now on until there are so many. */
async function answering(callers: Callers, count: number): Promise<Set<string>> {
  callers.takeTally();
  const names = new Set<string>();
  await expect
    .poll(
      () => {
        for (const name of callers.takeTally().answers.keys()) names.add(name);
        return names.size;
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThanOrEqual(count);
  return names;
}

describe.each(modes)("servers on one port: %s", (mode) => {
  test("a rolling restart under load loses no call, and all servers are new after it", async () => {
    const { served, address } = await serve(mode, 2);
    // Enough connections that both servers have some, whoever spreads them.
    const callers = call({ address, connections: 16, inFlight: 64 });
    const before = await answering(callers, 2);

    const from = served.lines.length;
    served.process.kill("SIGHUP");
    await served.printed(/^restarted all servers$/, from);
    expect(callers.takeTally().lost).toEqual([]);

    const after = await answering(callers, 1);
    expect([...after].filter((name) => before.has(name))).toEqual([]);
    const drained = served.lines.slice(from).filter((line) => / drained and ended: status 0$/.test(line));
    expect(new Set(drained.map((line) => line.split(" drained")[0]))).toEqual(before);
    expect(callers.takeTally().lost).toEqual([]);
  });

  test("SIGTERM ends all of them well, with calls in flight, and leaves no process", async () => {
    const { served, address } = await serve(mode, 2);
    const callers = call({ address, connections: 4, inFlight: 16 });
    await callers.begun;
    served.process.kill("SIGTERM");
    expect(await served.ended).toBe(0);
    expect(processesLeft(served)).toEqual([]);
    expect(callers.takeTally().lost).toEqual([]);
    expect(served.lines.filter((line) => / drained and ended: status 0$/.test(line)).length).toBe(2);
  });
});

describe.each(["cluster", "reuse-port"] as const)("processes on one port: %s", (mode) => {
  test("one that is killed is replaced, and the others go on", async () => {
    const { served, address } = await serve(mode, 2);
    const callers = call({ address, connections: 16, inFlight: 8 });
    const before = await answering(callers, 2);
    const [killed = ""] = before;
    process.kill(Number(killed.split(" ")[1]), "SIGKILL");
    await served.printed(/takes its place$/);
    expect(served.lines).toContain(`${killed} ended unasked: SIGKILL`);

    // A handler may have seen the calls that were in flight there, so they are not made again.
    const { lost } = callers.takeTally();
    expect(lost.filter(({ code, processed }) => code !== "UNAVAILABLE" || processed !== "unknown")).toEqual([]);
    expect(lost.length).toBeLessThan(16 * 8);
    // New connections find the new one, too.
    const newcomers = call({ address, connections: 16, inFlight: 1 });
    expect(await answering(newcomers, 2)).not.toContain(killed);
  });

  test("they end when the one that supervises them is killed", async () => {
    const { served } = await serve(mode, 2);
    expect(processesLeft(served).length).toBe(2);
    served.process.kill("SIGKILL");
    await served.ended;
    await expect.poll(() => processesLeft(served), { timeout: 10_000 }).toEqual([]);
  });
});
