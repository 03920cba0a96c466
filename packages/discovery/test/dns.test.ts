import { describe, expect, test } from "vitest";
import { dns, type DnsOptions, type DnsTarget, type EndpointList, roundRobin } from "../src/index.ts";
import { dnsServer } from "./dns-server.ts";
import { balance, fleet, member } from "./fleet.ts";
import { until } from "./waits.ts";

/** The first list. */
async function once(target: string | DnsTarget, options: DnsOptions): Promise<EndpointList> {
  const { signal } = new AbortController();
  for await (const list of dns(target, options)({ signal, pause: () => new Promise(() => {}) })) return list;
  throw new Error("no list");
}

describe("dns", () => {
  test("finds A and AAAA records, and either alone", async () => {
    await using server = await dnsServer();
    const servers = [server.address];
    const v6 = "fd00:0:0:0:0:0:0:1";
    server.zones.set("both.test", { a: ["10.0.0.1", "10.0.0.2"], aaaa: [v6] });
    server.zones.set("six.test", { aaaa: [v6] });
    const addressesOf = async (name: string) =>
      (await once(`${name}:7001`, { servers })).map((one) => (typeof one === "string" ? one : one.address)).sort();
    expect(await addressesOf("both.test")).toEqual(["10.0.0.1:7001", "10.0.0.2:7001", "[fd00::1]:7001"]);
    expect(await addressesOf("six.test")).toEqual(["[fd00::1]:7001"]);
    expect(await once("127.0.0.1:7001", { servers })).toEqual([{ address: "127.0.0.1:7001" }]);
    await expect(once("nobody.test:7001", { servers })).rejects.toThrow("ENOTFOUND");
  });

  test("finds SRV records with their ports, priorities and weights", async () => {
    await using server = await dnsServer();
    const servers = [server.address];
    server.zones.set("one.test", { a: ["10.0.0.1"] });
    server.zones.set("two.test", { a: ["10.0.0.2"] });
    server.zones.set("_farcall._tcp.test", {
      srv: [
        { priority: 0, weight: 30, port: 7001, target: "one.test" },
        { priority: 0, weight: 0, port: 7002, target: "two.test" },
        { priority: 1, weight: 5, port: 7003, target: "one.test" },
        { priority: 1, weight: 5, port: 7004, target: "gone.test" },
      ],
    });
    expect(await once({ srv: "_farcall._tcp.test" }, { servers })).toEqual([
      { address: "10.0.0.1:7001", priority: 0, weight: 30 },
      { address: "10.0.0.2:7002", priority: 0, weight: 0.1 },
      { address: "10.0.0.1:7003", priority: 1, weight: 5 },
    ]);
    server.zones.set("_none._tcp.test", { srv: [{ priority: 0, weight: 0, port: 0, target: "." }] });
    await expect(once({ srv: "_none._tcp.test" }, { servers })).rejects.toThrow("no SRV record that names a host");
  });

  test("asks the system's resolver, hosts file included", async () => {
    const list = await once("localhost:7001", {});
    expect(list.length).toBeGreaterThan(0);
    for (const one of list) expect(["127.0.0.1:7001", "[::1]:7001"]).toContain((one as { address: string }).address);
  });

  test("new records are used without connecting anew to the old ones; a name server that fails does no harm", async () => {
    await using server = await dnsServer();
    await using first = await fleet(1);
    const port = Number(first.addresses[0]!.split(":").at(-1));
    server.zones.set("shop.test", { a: ["127.0.0.1"] });
    const resolver = dns(`shop.test:${port}`, { servers: [server.address], intervalMs: 20, minIntervalMs: 10 });
    await using ends = balance({ resolver, policy: roundRobin(), slowStart: false });
    expect(await ends.client.name()).toBe("a");
    server.broken = true;
    await until(() => ends.events.some((event) => event.type === "resolver-failed" && event.kept === 1));
    expect(await ends.spread(3)).toEqual({ a: 3 });
    expect(ends.transport.address).toBe(`dns:shop.test:${port}`);
  });

  test("is asked again when an endpoint fails", async () => {
    await using server = await dnsServer();
    await using old = await fleet(1);
    await using fresh = await member("fresh");
    const portOf = (address: string): number => Number(address.split(":").at(-1));
    const srv = (address: string) => [{ priority: 0, weight: 1, port: portOf(address), target: "host.test" }];
    server.zones.set("host.test", { a: ["127.0.0.1"] });
    server.zones.set("_shop._tcp.test", { srv: srv(old.addresses[0]!) });
    const resolver = dns(
      { srv: "_shop._tcp.test" },
      { servers: [server.address], intervalMs: 3_600_000, minIntervalMs: 5 },
    );
    await using ends = balance({ resolver });
    expect(await ends.client.name()).toBe("a");
    server.zones.set("_shop._tcp.test", { srv: srv(fresh.address) });
    old.members[0]!.health.shutdown();
    await old.members[0]!.server.close({ graceMs: 0 });
    // What is lost is asked about again when somebody calls.
    await expect
      .poll(() => ends.client.name(undefined, { timeoutMs: 1_000 }).catch(() => ""), { timeout: 10_000 })
      .toBe("fresh");
  });
});
