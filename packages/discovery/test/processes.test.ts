import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RpcError } from "@farcall/core";
import { afterEach, describe, expect, test } from "vitest";
import { type Balance, balance } from "./fleet.ts";
import { until } from "./waits.ts";

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});

interface ServerProcess {
  readonly child: ChildProcess;
  readonly address: string;
}

async function serve(name: string, port = 0): Promise<ServerProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "member-server.ts"), name, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const [address] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, address };
}

const portOf = ({ address }: ServerProcess): number => Number(address.split(":").at(-1));

async function stop({ child }: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

interface Traffic {
  readonly errors: RpcError[];
  readonly answers: Map<string, number>;
  /** Waits for so many more calls to end. */
  more(calls: number): Promise<void>;
  end(): Promise<void>;
}

/** Calls, so many at once, until it is ended. */
function traffic({ client }: Balance, atOnce: number, timeoutMs = 30_000): Traffic {
  let running = true;
  let ended = 0;
  const errors: RpcError[] = [];
  const answers = new Map<string, number>();
  const loops = Array.from({ length: atOnce }, async () => {
    while (running) {
      try {
        const name = await client.name(undefined, { timeoutMs });
        answers.set(name, (answers.get(name) ?? 0) + 1);
      } catch (error) {
        errors.push(error as RpcError);
      }
      ended++;
    }
  });
  return {
    errors,
    answers,
    more: (calls) => {
      const target = ended + calls;
      return until(() => ended >= target);
    },
    async end() {
      running = false;
      await Promise.all(loops);
    },
  };
}

describe("server processes", () => {
  test("restarted one after the other, draining, with 16 calls in flight: no call fails", async () => {
    let servers = await Promise.all(["a", "b", "c"].map((name) => serve(name)));
    await using ends = balance({ resolver: servers.map((one) => one.address), slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    const calls = traffic(ends, 16);
    await calls.more(100);
    for (const [i, server] of servers.entries()) {
      await stop(server, "SIGTERM");
      const name = `${"abc".charAt(i)}2`;
      servers = servers.with(i, await serve(name, portOf(server)));
      await until(() => (calls.answers.get(name) ?? 0) > 0);
    }
    await calls.end();
    expect(calls.errors).toEqual([]);
  }, 40_000);

  test("killed: only the calls that were there fail, and the process that takes its place is used", async () => {
    const servers = await Promise.all(["a", "b"].map((name) => serve(name)));
    await using ends = balance({ resolver: servers.map((one) => one.address), slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    const calls = traffic(ends, 8);
    await calls.more(50);
    await stop(servers[0]!, "SIGKILL");
    await until(() => ends.transport.endpoints[0]!.state === "unreachable");
    const failed = calls.errors.length;
    expect(failed).toBeLessThanOrEqual(16);
    for (const error of calls.errors) expect(error).toMatchObject({ code: "UNAVAILABLE", peer: servers[0]!.address });
    await calls.more(200);
    expect(calls.errors.length).toBe(failed);
    await serve("a2", portOf(servers[0]!));
    await until(() => (calls.answers.get("a2") ?? 0) > 0);
    await calls.end();
    expect(calls.errors.length).toBe(failed);
  }, 40_000);

  test("stopped in the middle of everything: few calls are lost, it is ejected, and it is used when it goes on", async () => {
    const servers = await Promise.all(["a", "b", "c"].map((name) => serve(name)));
    await using ends = balance({
      resolver: servers.map((one) => one.address),
      slowStart: false,
      outliers: { baseMs: 300, maxMs: 300 },
    });
    await ends.client.name();
    await ends.states("ready");
    const calls = traffic(ends, 12, 300);
    await calls.more(100);
    servers[0]!.child.kill("SIGSTOP");
    await until(() => ends.events.some((event) => event.type === "endpoint" && event.state === "ejected"));
    expect(ends.events.find((event) => event.type === "endpoint" && event.state === "ejected")).toMatchObject({
      address: servers[0]!.address,
    });
    for (const error of calls.errors) expect(error.code).toBe("DEADLINE_EXCEEDED");
    // A third of those in flight are there when it stops, and a third of the next; then it is ejected.
    expect(calls.errors.length).toBeLessThanOrEqual(12);
    servers[0]!.child.kill("SIGCONT");
    const before = calls.answers.get("a") ?? 0;
    await until(() => (calls.answers.get("a") ?? 0) > before + 20);
    await calls.end();
  }, 40_000);
});
