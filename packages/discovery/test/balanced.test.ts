import { cbor } from "@farcall/codec/cbor";
import { contextKey, ContextValues, createClient } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { consistentHash, type EndpointList, leastLoaded, pickFirst, roundRobin } from "../src/index.ts";
import { type Tried, avoiding } from "./avoiding.ts";
import { Who } from "./contract.ts";
import { balance, connect, fleet, member } from "./fleet.ts";
import { channelOf } from "./lists.ts";
import { virtualClock } from "./virtual-clock.ts";
import { rpcRejection, until } from "./waits.ts";

const codec = cbor();

describe("calls", () => {
  test("spread over all endpoints, in turn", async () => {
    await using servers = await fleet(3);
    await using ends = balance({ resolver: servers.addresses, policy: roundRobin() });
    await ends.client.name();
    await ends.states("ready");
    expect(await ends.spread(30)).toEqual({ a: 10, b: 10, c: 10 });
  });

  test("go where fewer are open", async () => {
    await using servers = await fleet(2);
    await using ends = balance({ resolver: servers.addresses, policy: leastLoaded() });
    await ends.client.name();
    await ends.states("ready");
    const held = [ends.client.hold(), ends.client.hold()];
    const [a, b] = servers.members;
    await until(() => a!.behaviour.held === 1 && b!.behaviour.held === 1);
    a!.behaviour.release();
    await until(() => ends.transport.endpoints[0]!.openCalls === 0);
    expect(await ends.spread(10)).toEqual({ a: 10 });
    b!.behaviour.release();
    await Promise.all(held);
    expect(ends.transport.endpoints.map((one) => one.openCalls)).toEqual([0, 0]);
  });

  test("with the same key go to the same endpoint, and elsewhere only while it is away", async () => {
    await using servers = await fleet(3);
    const tenant = contextKey<string>("tenant");
    for (const [policy, optionsOf] of [
      [consistentHash({ metadata: "tenant" }), (key: string) => ({ metadata: { tenant: key } })],
      [consistentHash({ value: tenant }), (key: string) => ({ values: new ContextValues().set(tenant, key) })],
    ] as const) {
      await using ends = balance({ resolver: servers.addresses, policy });
      await ends.client.name();
      await ends.states("ready");
      const ask = (key: string) => ends.client.name(undefined, optionsOf(key));
      const keys = Array.from({ length: 40 }, (_, i) => `tenant-${i}`);
      const owners = await Promise.all(keys.map(ask));
      expect(new Set(owners).size).toBe(3);
      expect(await Promise.all(keys.map(ask))).toEqual(owners);
      const owner = servers.members.find((one) => one.name === owners[0])!;
      owner.health.set("", "NOT_SERVING");
      await until(() => ends.transport.endpoints.some((one) => one.state === "not serving"));
      const moved = await Promise.all(keys.map(ask));
      for (const [i, was] of owners.entries()) {
        expect(moved[i] === was).toBe(was !== owner.name);
      }
      owner.health.set("", "SERVING");
      await ends.states("ready");
      expect(await Promise.all(keys.map(ask))).toEqual(owners);
    }
  });

  test("go to the first that answers, and nobody else is connected to", async () => {
    await using servers = await fleet(2);
    await using gone = await fleet(1);
    await gone[Symbol.asyncDispose]();
    const connected: string[] = [];
    await using ends = balance({
      resolver: [...gone.addresses, ...servers.addresses],
      policy: pickFirst(),
      connect: (endpoint) => {
        const transport = connect(endpoint);
        return {
          ...transport,
          address: endpoint.address,
          handle: (call, responses) => {
            if (!connected.includes(endpoint.address)) connected.push(endpoint.address);
            return transport.handle(call, responses);
          },
          close: (options) => transport.close(options),
          [Symbol.asyncDispose]: () => transport.close(),
        };
      },
    });
    expect(await ends.spread(10)).toEqual({ a: 10 });
    expect(connected).toEqual([gone.addresses[0], servers.addresses[0]]);
    expect(ends.transport.endpoints.map((one) => one.state)).toEqual(["idle", "ready", "idle"]);
    await servers.members[0]!.server.close({ graceMs: 0 });
    await expect.poll(() => ends.client.name().catch(() => "")).toBe("b");
  });

  test("do not go where they were, until all were tried", async () => {
    await using servers = await fleet(3);
    const { addresses } = servers;
    await using ends = balance({ resolver: addresses, policy: roundRobin() });
    await ends.client.name();
    await ends.states("ready");
    const tried: Tried = { avoid: [] };
    const client = createClient(Who, { transport: ends.transport, codec, use: [avoiding(tried)] });
    for (let i = 0; i < 12; i++) {
      tried.avoid = [addresses[i % 3]!, addresses[(i + 1) % 3]!];
      expect(await client.name()).toBe("abc".charAt((i + 2) % 3));
    }
    tried.avoid = addresses;
    expect("abc").toContain(await client.name());
  });

  test("an endpoint is avoided by the address that its name stands for, too", async () => {
    await using servers = await fleet(2);
    const named = servers.addresses.map((address) => address.replace("127.0.0.1", "localhost"));
    await using ends = balance({ resolver: named });
    await ends.client.name();
    await ends.states("ready");
    const error = await rpcRejection(ends.client.fail("UNAVAILABLE"));
    const client = createClient(Who, { transport: ends.transport, codec, use: [avoiding({ avoid: [error.peer!] })] });
    const other = servers.members.find((one) => one.address !== error.peer)!;
    for (let i = 0; i < 10; i++) expect(await client.name()).toBe(other.name);
  });

  test("get their share by weight, and a lower priority only when there is no other", async () => {
    await using servers = await fleet(3);
    const [a, b, c] = servers.addresses as [string, string, string];
    const list: EndpointList = [{ address: a, weight: 3 }, { address: b }, { address: c, priority: 1 }];
    await using ends = balance({ resolver: list, policy: roundRobin(), slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    expect(await ends.spread(40)).toEqual({ a: 30, b: 10 });
    for (const one of servers.members.slice(0, 2)) one.health.set("", "NOT_SERVING");
    await until(() => ends.transport.endpoints.filter((one) => one.state === "not serving").length === 2);
    expect(await ends.spread(5)).toEqual({ c: 5 });
  });
});

describe("health", () => {
  test("an endpoint that does not serve gets no calls until it does", async () => {
    await using servers = await fleet(2);
    servers.members[0]!.health.set("", "NOT_SERVING");
    await using ends = balance({ resolver: servers.addresses, slowStart: false });
    expect(await ends.spread(10)).toEqual({ b: 10 });
    expect(ends.transport.endpoints[0]).toMatchObject({ state: "not serving", reason: "health says NOT_SERVING" });
    servers.members[0]!.health.set("", "SERVING");
    await ends.states("ready");
    expect(Object.keys(await ends.spread(20)).sort()).toEqual(["a", "b"]);
  });

  test("when none serves, a call fails at once and says so; a patient one waits", async () => {
    await using servers = await fleet(2);
    for (const one of servers.members) one.health.set("", "NOT_SERVING");
    await using ends = balance({ resolver: servers.addresses });
    const error = await rpcRejection(ends.client.name());
    expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    for (const address of servers.addresses) expect(error.message).toContain(`${address} is not serving`);
    const patient = ends.client.name(undefined, { waitForReady: true });
    servers.members[1]!.health.set("", "SERVING");
    expect(await patient).toBe("b");
  });

  test("of one service counts when that is asked for", async () => {
    await using servers = await fleet(2);
    for (const one of servers.members) one.health.set("test.v1.Who", "SERVING");
    servers.members[0]!.health.set("test.v1.Who", "NOT_SERVING");
    await using ends = balance({ resolver: servers.addresses, health: { service: "test.v1.Who", codec } });
    expect(await ends.spread(10)).toEqual({ b: 10 });
  });

  test("servers without the health service, or without its codec, count as ready", async () => {
    for (const options of [{ withHealth: false }, { codecs: ["cbor"] as const }]) {
      await using servers = await fleet(2, options);
      await using ends = balance({ resolver: servers.addresses, policy: roundRobin() });
      await ends.client.name();
      await ends.states("ready");
      expect(await ends.spread(10)).toEqual({ a: 5, b: 5 });
    }
  });

  test("is ignored with health: false, and no call is left open at the server", async () => {
    await using servers = await fleet(1);
    servers.members[0]!.health.set("", "NOT_SERVING");
    await using ends = balance({ resolver: servers.addresses, health: false });
    expect(await ends.client.name()).toBe("a");
    await until(() => servers.members[0]!.server.openCalls === 0);
  });

  test("a server that goes away in good order is left before it refuses anything", async () => {
    await using servers = await fleet(2);
    await using ends = balance({ resolver: servers.addresses });
    await ends.client.name();
    await ends.states("ready");
    servers.members[0]!.health.shutdown();
    await until(() => ends.transport.endpoints[0]!.state === "not serving");
    const closed = servers.members[0]!.server.close({ graceMs: 60_000 });
    expect(await ends.spread(10)).toEqual({ b: 10 });
    await closed;
  });
});

describe("a `connect` that makes no transport", () => {
  test.each([
    ["throws", () => raise("no such network"), "no such network"],
    ["returns nothing", () => undefined as never, "`connect` returned no transport"],
    ["returns something else", () => ({}) as never, "`connect` returned no transport"],
  ] as const)("because it %s is the reason that calls hear", async (_, connectWrongly, reason) => {
    await using ends = balance({ resolver: ["127.0.0.1:1"], connect: connectWrongly });
    const error = await rpcRejection(ends.client.name());
    expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    expect(error.message).toContain(reason);
  });

  function raise(message: string): never {
    throw new Error(message);
  }
});

describe("endpoints come and go", () => {
  test("new ones are used, old ones are left, and calls there are not cut", async () => {
    await using servers = await fleet(3);
    const [a, b, c] = servers.addresses as [string, string, string];
    const lists = channelOf<EndpointList>([a, b]);
    await using ends = balance({ resolver: lists, policy: roundRobin(), slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    const held = [ends.client.hold(), ends.client.hold()];
    await until(() => servers.members.slice(0, 2).every((one) => one.behaviour.held === 1));
    lists.push([b, c]);
    await until(() => ends.transport.endpoints.map((one) => one.address).join() === [b, c].join());
    await ends.states("ready");
    expect(Object.keys(await ends.spread(20)).sort()).toEqual(["b", "c"]);
    expect(ends.events).toContainEqual({ type: "endpoint", address: a, state: "removed", reason: undefined });
    servers.members[0]!.behaviour.release();
    servers.members[1]!.behaviour.release();
    expect((await Promise.all(held)).sort()).toEqual(["a", "b"]);
    await until(() => servers.members[0]!.server.openCalls === 0);
  });

  test("calls on one that is no longer listed end when its time is over", async () => {
    await using servers = await fleet(2);
    const [a, b] = servers.addresses as [string, string];
    const lists = channelOf<EndpointList>([a]);
    await using ends = balance({ resolver: lists, drainMs: 1 });
    const held = rpcRejection(ends.client.hold());
    await until(() => servers.members[0]!.behaviour.held === 1);
    lists.push([b]);
    expect(await held).toMatchObject({ code: "UNAVAILABLE", processed: "unknown" });
    expect(await ends.client.name()).toBe("b");
  });

  test("one that was lost is found again on the same address", async () => {
    await using servers = await fleet(2);
    await using ends = balance({ resolver: servers.addresses, slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    const [a] = servers.members;
    a!.health.shutdown();
    await a!.server.close({ graceMs: 0 });
    await until(() => ends.transport.endpoints[0]!.state !== "ready");
    expect(await ends.spread(10)).toEqual({ b: 10 });
    await using back = await member("back", { port: Number(a!.address.split(":").at(-1)) });
    await ends.states("ready");
    expect(Object.keys(await ends.spread(20)).sort()).toEqual(["b", "back"]);
    expect(back.behaviour.calls).toBeGreaterThan(0);
  });

  test("addresses that are none are left out, and said", async () => {
    await using servers = await fleet(1);
    await using ends = balance({ resolver: ["nonsense", ...servers.addresses] });
    expect(await ends.client.name()).toBe("a");
    expect(ends.events).toContainEqual(
      expect.objectContaining({ type: "endpoint", address: "nonsense", state: "unreachable" }),
    );
  });
});

describe("when there is no endpoint", () => {
  test("a call fails with the reason for each, at once", async () => {
    await using gone = await fleet(2);
    await gone[Symbol.asyncDispose]();
    await using ends = balance({ resolver: gone.addresses });
    const error = await rpcRejection(ends.client.name());
    expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    for (const address of gone.addresses) expect(error.message).toContain(`${address} is unreachable`);
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("a patient call waits until there is one", async () => {
    await using gone = await fleet(1);
    await gone[Symbol.asyncDispose]();
    await using ends = balance({ resolver: gone.addresses });
    const patient = ends.client.name(undefined, { waitForReady: true });
    await ends.states("unreachable");
    await using back = await member("back", { port: Number(gone.addresses[0]!.split(":").at(-1)) });
    expect(await patient).toBe(back.name);
  });

  test("a call that waits for the first list ends with its own deadline or cancellation, and nothing is left", async () => {
    let aborted = false;
    const ends = balance({
      resolver: async function* ({ signal }) {
        signal.addEventListener("abort", () => (aborted = true));
        await new Promise(() => {});
        yield [];
      },
      name: "orders",
    });
    const late = await rpcRejection(ends.client.name(undefined, { timeoutMs: 30 }));
    expect(late).toMatchObject({ code: "DEADLINE_EXCEEDED", processed: "no" });
    expect(late.explanation).toContain("orders has no endpoints yet");
    const controller = new AbortController();
    const cancelled = rpcRejection(ends.client.name(undefined, { signal: controller.signal }));
    controller.abort();
    expect(await cancelled).toMatchObject({ code: "CANCELLED", processed: "no" });
    const closing = rpcRejection(ends.client.name());
    await ends.transport.close();
    expect(await closing).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    expect(aborted).toBe(true);
    expect(await rpcRejection(ends.client.name())).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
  });

  test("a call that was given up while it waited is never sent", async () => {
    await using servers = await fleet(1);
    const lists = channelOf<EndpointList>();
    await using ends = balance({ resolver: lists });
    const late = rpcRejection(ends.client.name(undefined, { timeoutMs: 20 }));
    expect((await late).code).toBe("DEADLINE_EXCEEDED");
    const patient = ends.client.name();
    lists.push(servers.addresses);
    expect(await patient).toBe("a");
    expect(servers.members[0]!.behaviour.calls).toBe(1);
  });

  test("streams that wait keep their requests in order", async () => {
    await using servers = await fleet(1);
    const lists = channelOf<EndpointList>();
    await using ends = balance({ resolver: lists });
    const ticks = ends.client.ticks();
    const first = ticks.next();
    lists.push(servers.addresses);
    expect((await first).value).toBe(0);
    await ticks.return();
  });
});

describe("outliers", () => {
  test("of two endpoints, the one whose calls fail is left out, and comes back slowly", async () => {
    await using servers = await fleet(2);
    await using ends = balance({
      resolver: servers.addresses,
      policy: roundRobin(),
      outliers: { baseMs: 60, maxMs: 60 },
    });
    await ends.client.name();
    await ends.states("ready");
    const [a] = servers.members;
    a!.behaviour.failing = "INTERNAL";
    await expect
      .poll(async () => {
        await ends.client.name().catch(() => {});
        return ends.events.some((event) => event.type === "endpoint" && event.state === "ejected");
      })
      .toBe(true);
    expect(ends.events).toContainEqual({
      type: "endpoint",
      address: a!.address,
      state: "ejected",
      reason: "5 failures in a row; left out for 0.1 s",
    });
    a!.behaviour.failing = undefined;
    await ends.states("ready");
    const counts = await ends.spread(100);
    expect(counts["b"]).toBeGreaterThan(counts["a"] ?? 0);
  });

  test("the last one that is ready is never left out", async () => {
    await using servers = await fleet(2);
    servers.members[1]!.health.set("", "NOT_SERVING");
    await using ends = balance({ resolver: servers.addresses });
    servers.members[0]!.behaviour.failing = "UNAVAILABLE";
    for (let i = 0; i < 20; i++) expect((await rpcRejection(ends.client.name())).peer).toBe(servers.addresses[0]);
    expect(ends.transport.endpoints[0]!.state).toBe("ready");
  });

  test("answers that are no fault of the endpoint do not count", async () => {
    await using servers = await fleet(2);
    await using ends = balance({ resolver: servers.addresses });
    await ends.client.name();
    await ends.states("ready");
    for (let i = 0; i < 40; i++) await rpcRejection(ends.client.fail("NOT_FOUND"));
    expect(ends.transport.endpoints.map((one) => one.state)).toEqual(["ready", "ready"]);
  });
});

describe("connections", () => {
  test("when one is full another is opened, and then the call fails: nothing is queued", async () => {
    await using servers = await fleet(1);
    const [a] = servers.members;
    await using ends = balance({ resolver: servers.addresses, connections: { max: 2, maxCalls: 2 } });
    await ends.client.name();
    const held = Array.from({ length: 4 }, () => ends.client.hold());
    await until(() => a!.behaviour.held === 4);
    expect(ends.transport.endpoints[0]).toMatchObject({ connections: 2, openCalls: 4 });
    const error = await rpcRejection(ends.client.name());
    expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "no", retryAfterMs: 100 });
    a!.behaviour.release();
    expect(await Promise.all(held)).toEqual(["a", "a", "a", "a"]);
    expect(await ends.client.name()).toBe("a");
    expect(ends.transport.endpoints[0]).toMatchObject({ connections: 1, openCalls: 0 });
  });

  test("a server that allows fewer calls than expected is found out", async () => {
    await using servers = await fleet(1, { limits: { maxCallsPerConnection: 5 } });
    const [a] = servers.members;
    await using ends = balance({ resolver: servers.addresses, health: false, connections: { max: 2 } });
    await ends.client.name();
    const held = Array.from({ length: 8 }, () => ends.client.hold());
    await until(() => a!.behaviour.held === 8);
    expect(ends.transport.endpoints[0]).toMatchObject({ connections: 2 });
    a!.behaviour.release();
    expect((await Promise.all(held)).length).toBe(8);
  });

  test("calls go to another endpoint when all connections to the chosen one are full", async () => {
    await using servers = await fleet(2);
    const policy = consistentHash({ key: () => "always the same" });
    await using ends = balance({ resolver: servers.addresses, policy, connections: { maxCalls: 1 } });
    await ends.client.name();
    await ends.states("ready");
    const held = [ends.client.hold(), ends.client.hold()];
    await until(() => servers.members.every((one) => one.behaviour.held === 1));
    expect((await rpcRejection(ends.client.name())).code).toBe("RESOURCE_EXHAUSTED");
    for (const one of servers.members) one.behaviour.release();
    expect((await Promise.all(held)).sort()).toEqual(["a", "b"]);
  });
});

describe("close", () => {
  test("lets calls end within its grace, and leaves nothing at the servers", async () => {
    await using servers = await fleet(2);
    const ends = balance({ resolver: servers.addresses });
    const held = ends.client.hold();
    await until(() => servers.members.some((one) => one.behaviour.held === 1));
    const closed = ends.transport.close({ graceMs: 60_000 });
    expect((await rpcRejection(ends.client.name())).processed).toBe("no");
    for (const one of servers.members) one.behaviour.release();
    expect("ab").toContain(await held);
    await closed;
    await until(() => servers.members.every((one) => one.server.openCalls === 0 && one.health.watchers === 0));
  });

  test("called again it can only shorten the time", async () => {
    await using servers = await fleet(1);
    const ends = balance({ resolver: servers.addresses });
    const held = rpcRejection(ends.client.hold());
    await until(() => servers.members[0]!.behaviour.held === 1);
    const closed = ends.transport.close({ graceMs: Infinity });
    await ends.transport.close();
    await closed;
    expect((await held).code).toBe("UNAVAILABLE");
  });

  test("leaves no timer, whatever the endpoints were doing", async () => {
    await using servers = await fleet(3);
    await using gone = await fleet(1);
    await gone[Symbol.asyncDispose]();
    const clock = virtualClock();
    const ends = balance({ resolver: [...servers.addresses, ...gone.addresses], policy: roundRobin(), clock });
    await ends.client.name();
    await ends.states("ready", "unreachable");
    servers.members[0]!.health.shutdown();
    servers.members[1]!.behaviour.failing = "INTERNAL";
    for (let i = 0; i < 20; i++) await ends.client.name().catch(() => {});
    await until(
      () => ends.transport.endpoints[1]!.state === "ejected" && ends.transport.endpoints[0]!.state === "not serving",
    );
    expect(clock.timers).toBeGreaterThan(0);
    await ends.transport.close();
    expect(clock.timers).toBe(0);
    expect(ends.transport.endpoints.map((one) => one.openCalls)).toEqual([0, 0, 0, 0]);
  });

  test("before any call nothing was begun", async () => {
    let asked = false;
    const ends = balance({
      resolver: async function* () {
        asked = true;
        yield ["127.0.0.1:1"];
      },
    });
    await ends.transport.close();
    expect(asked).toBe(false);
  });
});
