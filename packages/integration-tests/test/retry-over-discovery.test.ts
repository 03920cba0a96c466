import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { balanced, roundRobin } from "@farcall/discovery";
import {
  type AttemptEvent,
  createClient,
  createServer,
  type RetryOptions,
  type RpcError,
  tcp,
  tcpServer,
} from "farcall";
import { afterEach, describe, expect, test } from "vitest";
import { Depot, depot } from "./depot.ts";
import { rpcRejection } from "./waits.ts";

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});

interface DepotProcess {
  readonly child: ChildProcess;
  readonly address: string;
  /** What it has shipped, also when it is gone. */
  readonly shipped: number[];
}

async function serve(name: string, port = 0): Promise<DepotProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "depot-server.ts"), name, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  child.once("close", () => children.delete(child));
  const lines = createInterface(child.stdout);
  const [address] = (await once(lines, "line")) as [string];
  const shipped: number[] = [];
  lines.on("line", (parcel) => shipped.push(Number(parcel)));
  return { child, address, shipped };
}

/** Ends it, and waits for all that it has printed. */
async function stop({ child }: DepotProcess, signal: NodeJS.Signals): Promise<void> {
  const closed = once(child, "close");
  child.kill(signal);
  await closed;
}

const addressesOf = (servers: readonly { readonly address: string }[]): string[] => servers.map((one) => one.address);

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 15_000, interval: 5 }).toBe(true);
}

/** A client of `farcall`, with its retries, over several servers that are all ready. */
async function connected(addresses: readonly string[], retry: RetryOptions = {}) {
  const events: AttemptEvent[] = [];
  const transport = balanced({
    resolver: addresses,
    connect: ({ address }) => tcp(address, { backoff: { initialMs: 20, maxMs: 50 } }),
    policy: roundRobin(),
    slowStart: false,
  });
  const client = createClient(Depot, { transport, retry: { onAttempt: (event) => events.push(event), ...retry } });
  await client.where();
  await until(() => transport.endpoints.every((one) => one.state === "ready"));
  return { client, transport, events, [Symbol.asyncDispose]: () => transport.close() };
}

/** Calls of both kinds, eight of each at once, until it is ended. */
function traffic({ client }: Awaited<ReturnType<typeof connected>>) {
  let running = true;
  let parcels = 0;
  const answered: number[] = [];
  const answers = new Map<string, number>();
  const lostReads: RpcError[] = [];
  const lostParcels: { parcel: number; error: RpcError }[] = [];
  const count = (name: string): void => void answers.set(name, (answers.get(name) ?? 0) + 1);
  const read = async (): Promise<void> => {
    while (running) await client.where().then(count, (error: RpcError) => void lostReads.push(error));
  };
  const ship = async (): Promise<void> => {
    while (running) {
      const parcel = parcels++;
      await client.ship(parcel).then(
        (name) => {
          count(name);
          answered.push(parcel);
        },
        (error: RpcError) => void lostParcels.push({ parcel, error }),
      );
    }
  };
  const loops = Array.from({ length: 8 }, () => [read(), ship()]).flat();
  return {
    answers,
    answered,
    lostReads,
    lostParcels,
    /** Waits until a server has answered so many calls more. */
    from(name: string, calls = 20) {
      const target = (answers.get(name) ?? 0) + calls;
      return until(() => (answers.get(name) ?? 0) >= target);
    },
    async end() {
      running = false;
      await Promise.all(loops);
    },
    [Symbol.dispose]() {
      running = false;
    },
  };
}

describe("retries over several server processes", { timeout: 40_000 }, () => {
  test("a server is killed: reads lose nothing, and only what it may have shipped is lost, once at most", async () => {
    const servers = await Promise.all(["a", "b", "c"].map((name) => serve(name)));
    // The default budget is for machines that fail now and then, not for half of all calls at once.
    await using ends = await connected(addressesOf(servers), { budget: { minTokens: 100 } });
    using calls = traffic(ends);
    await calls.from("a");
    const [killed] = servers as [DepotProcess];
    await stop(killed, "SIGKILL");
    await until(() => ends.transport.endpoints[0]?.state === "unreachable");
    await calls.from("b");
    await calls.from("c");
    await calls.end();
    expect(calls.lostReads).toEqual([]);
    for (const { error } of calls.lostParcels) {
      expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "unknown", explain: { stopped: "not retryable" } });
      expect(error.explain?.attempts.at(-1)?.peer).toBe(killed.address);
      expect(error.explanation).toContain(killed.address);
    }
    // No more than were there at once.
    expect(calls.lostParcels.length).toBeLessThanOrEqual(8);
    const again = ends.events.filter((one) => one.attempt > 1);
    expect(again.length).toBeGreaterThan(0);
    for (const one of again) expect(one.peer).not.toBe(killed.address);
    await Promise.all(servers.slice(1).map((one) => stop(one, "SIGTERM")));
    expectOnce(servers, calls.answered);
  });

  test("all are restarted, one by one, without notice: no call fails, and each parcel is shipped once", async () => {
    const servers = await Promise.all(["a", "b", "c"].map((name) => serve(name)));
    const all = [...servers];
    await using ends = await connected(addressesOf(servers));
    using calls = traffic(ends);
    for (const [i, server] of servers.entries()) {
      await calls.from("abc".charAt(i));
      await stop(server, "SIGTERM");
      const name = `${"abc".charAt(i)}2`;
      all.push(await serve(name, Number(server.address.split(":").at(-1))));
      await calls.from(name);
    }
    await calls.end();
    expect(calls.lostReads).toEqual([]);
    expect(calls.lostParcels).toEqual([]);
    // What was refused went elsewhere at once, whatever it does.
    const moved = ends.events.filter((one) => one.next === "move");
    for (const one of moved) expect(one.error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    await Promise.all(all.slice(3).map((one) => stop(one, "SIGTERM")));
    expectOnce(all, calls.answered);
    expect(all.flatMap((one) => one.shipped)).toHaveLength(calls.answered.length);
  });

  test("one hangs: an attempt there is out of time, and another server answers the call", async () => {
    const servers = await Promise.all(["a", "b"].map((name) => serve(name)));
    await using ends = await connected(addressesOf(servers), { attemptTimeoutMs: 150 });
    const [hanging, other] = servers as [DepotProcess, DepotProcess];
    hanging.child.kill("SIGSTOP");
    ends.events.length = 0;
    // In turn, so that one of the two begins at the server that hangs.
    expect(await Promise.all([ends.client.where(), ends.client.where()])).toEqual(["b", "b"]);
    const late = ends.events.filter((one) => one.code === "DEADLINE_EXCEEDED");
    expect(new Set(late.map((one) => one.peer))).toEqual(new Set([hanging.address]));
    const second = ends.events.filter((one) => one.attempt === 2);
    expect(new Set(second.map((one) => one.peer))).toEqual(new Set([other.address]));
  });

  test("all are gone: the error says why of each, and that nothing was done", async () => {
    const servers = await Promise.all(["a", "b"].map((name) => serve(name)));
    await using ends = await connected(addressesOf(servers), { backoff: { baseMs: 1 } });
    await Promise.all(servers.map((one) => stop(one, "SIGKILL")));
    await until(() => ends.transport.endpoints.every((one) => one.state === "unreachable"));
    const error = await rpcRejection(ends.client.ship(1));
    expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    for (const { address } of servers) expect(error.message).toContain(`${address} is unreachable`);
  });
});

/** Nothing was shipped twice, and all that was answered was shipped. */
function expectOnce(servers: readonly DepotProcess[], answered: readonly number[]): void {
  const shipped = servers.flatMap((one) => one.shipped);
  const distinct = new Set(shipped);
  expect(distinct.size).toBe(shipped.length);
  expect(answered.filter((parcel) => !distinct.has(parcel))).toEqual([]);
}

test("each attempt of a call asks another server, and the explanation names them all", async () => {
  await using servers = await inProcess(["a", "b", "c"]);
  await using ends = await connected(servers.addresses, { attempts: 4, backoff: { baseMs: 1 } });
  const error = await rpcRejection(ends.client.broken());
  expect(error).toMatchObject({ code: "UNAVAILABLE", explain: { stopped: "attempts" } });
  const peers = error.explain?.attempts.map((one) => one.peer) ?? [];
  expect(new Set(peers.slice(0, 3))).toEqual(new Set(servers.addresses));
  expect(servers.addresses).toContain(peers[3]);
  for (const address of servers.addresses) expect(error.explanation).toContain(address);
});

test("a server that is full says when to come again, and another one takes the call, unsafe or not", async () => {
  await using servers = await inProcess(["a", "b"], 1);
  const [full] = servers.addresses as [string];
  await using direct = tcp(full);
  const giveUp = new AbortController();
  const held = createClient(Depot, { transport: direct }).hold(undefined, { signal: giveUp.signal });
  await until(() => servers.holding.includes("a"));
  await using ends = await connected(servers.addresses, { budget: false });
  for (const parcel of [1, 2, 3, 4]) expect(await ends.client.ship(parcel)).toBe("b");
  const refused = ends.events.filter((one) => one.next !== "end");
  expect(refused.length).toBeGreaterThan(0);
  for (const one of refused) expect(one).toMatchObject({ peer: full, code: "RESOURCE_EXHAUSTED", next: "retry" });
  expect(servers.shipped).toEqual([1, 2, 3, 4]);
  giveUp.abort();
  expect((await rpcRejection(held)).code).toBe("CANCELLED");
});

/** Servers of this process, each with room for so many calls. */
async function inProcess(names: readonly string[], maxCalls = 100) {
  const shipped: number[] = [];
  const holding: string[] = [];
  const servers = names.map((name) =>
    createServer({ limits: { maxCalls }, shedRetryAfterMs: 5, onError: () => {} }).add(
      Depot,
      depot(
        name,
        (parcel) => shipped.push(parcel),
        () => holding.push(name),
      ),
    ),
  );
  const listening = await Promise.all(servers.map((one) => one.listen(tcpServer({ port: 0 }))));
  return {
    addresses: addressesOf(listening),
    shipped,
    holding,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((one) => one.close({ graceMs: 0 })));
    },
  };
}
