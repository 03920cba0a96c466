import { randomUUID } from "node:crypto";
import { type EtcdServer, etcdSource } from "@farcall/test-servers";
import { Etcd3 } from "etcd3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { etcd, type EtcdClient, register, type RegistrationEvent } from "../src/etcd/index.ts";
import { roundRobin } from "../src/index.ts";
import { balance, fleet } from "./fleet.ts";
import { rpcRejection, until } from "./waits.ts";

const source = await etcdSource();
if ("missing" in source) console.warn(`The tests with etcd are left out: ${source.missing}`);

/** Etcd's own times are seconds. */
const patience = { timeout: 30_000, interval: 20 };

describe.skipIf("missing" in source)(`etcd${"missing" in source ? ` (left out: ${source.missing})` : ""}`, () => {
  let server: EtcdServer;
  let client: Etcd3;

  beforeAll(async () => {
    if ("missing" in source) return;
    server = await source.start();
    client = new Etcd3({ hosts: server.url });
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const prefixFor = (): string => `test/${randomUUID()}/`;

  test("servers that register are used, and left when they take themselves out, without a failed call", async () => {
    const prefix = prefixFor();
    await using servers = await fleet(3);
    const [a, b, c] = servers.addresses as [string, string, string];
    await using first = register({ client, prefix, address: a });
    await using second = register({ client, prefix, address: b });
    await Promise.all([first.ready, second.ready]);
    await using ends = balance({ resolver: etcd({ client, prefix }), policy: roundRobin(), slowStart: false });
    await ends.client.name();
    await ends.states("ready");
    expect(await ends.spread(10)).toEqual({ a: 5, b: 5 });

    let failed = 0;
    let running = true;
    const traffic = (async () => {
      while (running) await ends.client.name().catch(() => failed++);
    })();
    await using third = register({ client, prefix, address: c });
    await third.ready;
    await until(() => servers.members[2]!.behaviour.calls > 0);
    await first.close();
    await until(() => ends.transport.endpoints.every((one) => one.address !== a));
    running = false;
    await traffic;
    expect(failed).toBe(0);
    expect(Object.keys(await ends.spread(10)).sort()).toEqual(["b", "c"]);
    expect(ends.transport.address).toBe(`etcd:${prefix}`);
  });

  test("a changed entry is seen, one that can't be read is left out and said", async () => {
    const prefix = prefixFor();
    await using servers = await fleet(2);
    const [a, b] = servers.addresses as [string, string];
    const invalid: string[] = [];
    await client.put(`${prefix}x`).value(JSON.stringify({ address: a }));
    await client.put(`${prefix}y`).value("no JSON");
    await using ends = balance({
      resolver: etcd({ client, prefix, onInvalid: (key) => invalid.push(key) }),
    });
    expect(await ends.client.name()).toBe("a");
    expect(invalid).toContain(`${prefix}y`);
    await client.put(`${prefix}x`).value(JSON.stringify({ address: b, weight: 2 }));
    await until(() => ends.transport.endpoints.map((one) => one.address).join() === b);
    expect(await ends.client.name()).toBe("b");
  });

  test("when the last entry vanishes the last good list is kept", async () => {
    const prefix = prefixFor();
    await using servers = await fleet(1);
    const registration = register({ client, prefix, address: servers.addresses[0]! });
    await registration.ready;
    await using ends = balance({ resolver: etcd({ client, prefix }) });
    await ends.client.name();
    await registration.close();
    expect(registration.isRegistered).toBe(false);
    await until(() => ends.events.some((event) => event.type === "resolver-failed" && event.kept === 1));
    expect(await ends.client.name()).toBe("a");
  });

  test("a lease that is lost is replaced, and the entry is there again", async () => {
    const prefix = prefixFor();
    const events: RegistrationEvent[] = [];
    await using registration = register({
      client,
      prefix,
      address: "127.0.0.1:7001",
      ttlS: 1,
      random: () => 0,
      onEvent: (event) => events.push(event),
    });
    await registration.ready;
    const { kvs } = await client.get(`${prefix}127.0.0.1:7001`).exec();
    await client.leaseClient.leaseRevoke({ ID: kvs[0]!.lease });
    await expect.poll(() => events.map((event) => event.type), patience).toEqual(["registered", "lost", "registered"]);
    expect(await client.get(`${prefix}127.0.0.1:7001`).json()).toEqual({ address: "127.0.0.1:7001" });
  }, 40_000);

  test("etcd is away and comes back: calls go on, and what changes is seen", async () => {
    if (server.child === undefined) return;
    const prefix = prefixFor();
    await using servers = await fleet(2);
    const [a, b] = servers.addresses as [string, string];
    await client.put(`${prefix}a`).value(JSON.stringify({ address: a }));
    await using ends = balance({ resolver: etcd({ client, prefix }), policy: roundRobin() });
    expect(await ends.client.name()).toBe("a");
    await server.kill();
    expect(await ends.spread(5)).toEqual({ a: 5 });
    await server.restart();
    const other = new Etcd3({ hosts: server.url });
    await other.put(`${prefix}b`).value(JSON.stringify({ address: b }));
    other.close();
    await expect.poll(() => ends.transport.endpoints.length, patience).toBe(2);
  }, 60_000);

  test("an etcd that is away from the start: calls say so, and a registration tells", async () => {
    const nowhere = new Etcd3({ hosts: "http://127.0.0.1:1" });
    const events: RegistrationEvent[] = [];
    await using ends = balance({ resolver: etcd({ client: nowhere, prefix: "x/" }) });
    const error = await rpcRejection(ends.client.name());
    expect(error).toMatchObject({ code: "UNAVAILABLE", processed: "no" });
    expect(error.message).toContain("etcd:x/ has no endpoints yet; the resolver failed");
    const registration = register({
      client: nowhere,
      prefix: "x/",
      address: "127.0.0.1:7001",
      onEvent: (event) => events.push(event),
    });
    await until(() => events.some((event) => event.type === "lost"));
    await registration.close();
    await expect(registration.ready).rejects.toThrow("closed before");
    nowhere.close();
  });

  test("options that make no sense are refused by name", () => {
    const good = { client: client as EtcdClient, prefix: "p/", address: "a:1" };
    expect(() => etcd({ client: {} as never, prefix: "p/" })).toThrow("`client`");
    expect(() => etcd({ client, prefix: "" })).toThrow("`prefix`");
    expect(() => register({ ...good, ttlS: 0.5 })).toThrow("ttlS");
    expect(() => register({ ...good, address: "" })).toThrow("address");
    expect(() => register({ ...good, weight: -1 })).toThrow("weight");
  });
});
