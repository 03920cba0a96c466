import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { json } from "@farcall/codec/json";
import { createClient, createServer } from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { tcp } from "@farcall/transport-tcp";
import { afterEach, describe, expect, test } from "vitest";
import { drain, drainOnSignal, Health, health } from "../src/index.ts";
import { Sleeper, sleeper } from "./sleeper.ts";
import { rpcRejection, until } from "./waits.ts";

const codec = json();
const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function serve() {
  const child = spawn(process.execPath, [join(import.meta.dirname, "draining-server.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const lines: Interface = createInterface(child.stdout);
  const [address] = (await once(lines, "line")) as [string];
  const said: string[] = [];
  lines.on("line", (line) => said.push(line));
  return { child, address, said, exited: once(child, "exit") };
}

describe("a process that is asked to stop", () => {
  test("says that it does not serve, finishes what runs, and ends by itself", async () => {
    const { child, address, said, exited } = await serve();
    await using transport = tcp(address);
    const client = createClient(Sleeper, { transport, codec });
    const watch = createClient(Health, { transport, codec }).watch({});
    expect((await watch.next()).value).toEqual({ status: "SERVING" });
    const sleeping = client.sleep();
    const awake = client.wake();
    expect(await sleeping).toBe("slept");
    expect(await awake).toBe(1);
    const second = client.sleep();
    // It has arrived when this is answered, and this wakes only those before it.
    await createClient(Health, { transport, codec }).check({});
    child.kill("SIGTERM");
    expect((await watch.next()).value).toEqual({ status: "NOT_SERVING" });
    expect((await watch.next()).done).toBe(true);
    expect(child.exitCode).toBe(null);
    child.kill("SIGTERM");
    const error = await rpcRejection(second);
    expect(error.code).toMatch(/UNAVAILABLE|CANCELLED/);
    expect(await exited).toEqual([0, null]);
    await until(() => said.length === 3);
    expect(said).toEqual(["SIGTERM", "SIGTERM", "closed"]);
  });
});

describe("drain", () => {
  const setUp = async () => {
    const link = memory();
    const state = health();
    const server = createServer({ codecs: [codec] })
      .add(Health, state.handlers)
      .add(Sleeper, sleeper());
    await server.listen(link.server);
    const client = createClient(Sleeper, { transport: link.client, codec });
    return { state, server, client, transport: link.client };
  };

  test("leaves balancers the time to notice, and calls are taken meanwhile", async () => {
    const { state, server, client, transport } = await setUp();
    await using _ = transport;
    const hurry = new AbortController();
    const drained = drain(server, { health: state, noticeMs: 60_000, signal: hurry.signal });
    expect(state.get("")).toBe("NOT_SERVING");
    expect(await client.wake()).toBe(0);
    hurry.abort();
    await drained;
    expect((await rpcRejection(client.wake())).code).toBe("UNAVAILABLE");
  });

  test("what does not end within the grace is cut", async () => {
    const { server, client, transport } = await setUp();
    await using _ = transport;
    const sleeping = rpcRejection(client.sleep());
    await until(() => server.openCalls === 1);
    await drain(server, { graceMs: 1 });
    expect((await sleeping).processed).not.toBe("no");
  });

  test("takes its listeners off the process", async () => {
    const { server, transport } = await setUp();
    await using _ = transport;
    const before = process.listenerCount("SIGTERM");
    const uninstall = drainOnSignal(server);
    expect(process.listenerCount("SIGTERM")).toBe(before + 1);
    uninstall();
    expect(process.listenerCount("SIGTERM")).toBe(before);
    await server.close();
  });

  test("options that make no sense are refused by name", async () => {
    const before = process.listenerCount("SIGTERM");
    const { server, transport } = await setUp();
    await using _ = transport;
    expect(() => drainOnSignal(server, { graceMs: -1 })).toThrow("graceMs");
    expect(() => drainOnSignal(server, { noticeMs: Number.NaN })).toThrow("noticeMs");
    expect(() => drainOnSignal(server, { signals: [] })).toThrow("signals");
    expect(() => drainOnSignal(server, { signals: ["SIGTERM", "SIGKILL"] })).toThrow("signals");
    expect(() => drainOnSignal({} as never)).toThrow("needs a server");
    const typo = drainOnSignal as (server: unknown, options: unknown) => void;
    expect(() => typo(server, { signals: ["SIGTREM"] })).toThrow('"SIGTREM" is not the name of a signal');
    expect(() => typo(server, { signals: "SIGTERM" })).toThrow("`signals` must be a list");
    expect(() => typo(server, { graceMS: 5 })).toThrow('drainOnSignal has no option "graceMS"');
    expect(() => typo(server, { noticeMs: "5" })).toThrow("noticeMs");
    expect(() => typo(server, { health: {} })).toThrow("`health.shutdown` must be a function");
    expect(() => typo(server, { afterClose: true })).toThrow("`afterClose` must be a function");
    await expect(drain(undefined as never)).rejects.toThrow("drain needs a server");
    await expect(drain(server, { signal: 5 as never })).rejects.toThrow("`signal` must be an AbortSignal");
    await expect(drain(server, { graceMs: Number.NaN })).rejects.toThrow("graceMs");
    expect(process.listenerCount("SIGTERM")).toBe(before);
    await server.close();
  });
});
