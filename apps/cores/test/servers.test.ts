import { connect } from "node:net";
import { createClient, tcp } from "farcall";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Callers } from "../src/callers/callers.ts";
import { Flights } from "../src/flights/contract.ts";
import { modes } from "../src/servers/start-server.ts";
import { call, processesLeft, serve } from "./serving.ts";

/** So many that each server has some, also where the system throws dice for each. */
const many = 24;

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
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(count);
  return names;
}

describe.each(modes)("servers on one port: %s", { timeout: 60_000 }, (mode) => {
  test("a rolling restart under load loses no call, and all servers are new after it", async () => {
    const { served, address } = await serve(mode, 2);
    const callers = call({ address, connections: many, inFlight: 64 });
    const before = await answering(callers, 2);

    // Some that take their time, so that draining has something to wait for.
    const transport = tcp(address);
    onTestFinished(() => transport.close());
    const flights = createClient(Flights, { transport });
    const heavy = Promise.all([20, 30, 40].map((among) => flights.worstClosures({ among, top: 1 })));
    await flights.traffic({ airport: "ATL" });

    const from = served.lines.length;
    served.process.kill("SIGHUP");
    await served.printed(/^restarted all servers$/, from);
    expect(callers.takeTally().lost).toEqual([]);
    for (const { closures } of await heavy) expect(closures[0]?.closed).toEqual(["ATL"]);

    const after = await answering(callers, 1);
    expect([...after].filter((name) => before.has(name))).toEqual([]);
    const drained = served.lines.slice(from).filter((line) => line.endsWith(" drained and ended: status 0"));
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
    expect(served.lines.filter((line) => line.endsWith(" drained and ended: status 0")).length).toBe(2);
  });
});

describe.each(["cluster", "reuse-port"] as const)("processes on one port: %s", { timeout: 60_000 }, (mode) => {
  test("one that is killed is replaced, and the others go on", async () => {
    const { served, address } = await serve(mode, 2);
    const callers = call({ address, connections: many, inFlight: 4 });
    const before = await answering(callers, 2);
    const [killed = ""] = before;
    process.kill(Number(killed.split(" ")[1]), "SIGKILL");
    await served.printed(/takes its place$/);
    expect(served.lines).toContain(`${killed} ended unasked: SIGKILL`);

    // A handler may have seen the calls that were in flight there. They only read, so they are made again.
    const { lost, repeated } = callers.takeTally();
    expect(lost).toEqual([]);
    expect(repeated).toBeGreaterThan(0);
    // New connections find the new one, too.
    const newcomers = call({ address, connections: many, inFlight: 1 });
    expect(await answering(newcomers, 2)).not.toContain(killed);
  });

  test("they end when the one that supervises them is killed", async () => {
    const { served } = await serve(mode, 2);
    expect(processesLeft(served).length).toBe(2);
    served.process.kill("SIGKILL");
    await served.ended;
    await expect.poll(() => processesLeft(served), { timeout: 30_000 }).toEqual([]);
  });
});

test("in a cluster, every connection is greeted while servers are replaced", { timeout: 60_000 }, async () => {
  const { served, address } = await serve("cluster", 2);
  const heard = new Map<string, number>();
  let restarting = true;
  const comeAndGo = async (): Promise<void> => {
    while (restarting) {
      const first = await firstBytes(address);
      heard.set(first, (heard.get(first) ?? 0) + 1);
    }
  };
  const coming = Promise.all(Array.from({ length: 8 }, comeAndGo));
  const from = served.lines.length;
  served.process.kill("SIGHUP");
  await served.printed(/^restarted all servers$/, from);
  restarting = false;
  await coming;
  expect([...heard.keys()]).toEqual(["FARCALL"]);
});

/** What a connection hears first, or why it hears nothing. */
function firstBytes(address: string): Promise<string> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.once("error", (error) => resolve(error.message));
    socket.once("close", () => resolve("closed"));
    socket.once("data", (bytes: Buffer) => {
      resolve(bytes.toString("latin1", 0, 7));
      socket.destroy();
    });
  });
}
