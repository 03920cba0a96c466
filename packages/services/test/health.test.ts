import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { msgpack } from "@farcall/codec/msgpack";
import {
  type ClientTransport,
  createClient,
  createServer,
  service,
  type ServerTransport,
  type,
  unary,
} from "@farcall/core";
import { memory } from "@farcall/transport-memory";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { describe, expect, test } from "vitest";
import { Health, health, type HealthOptions } from "../src/index.ts";
import { rpcRejection, until } from "./waits.ts";

const Orders = service("shop.v1.Orders", { place: unary({ input: type<string>(), output: type<string>() }) });
const codecs = [json(), cbor(), msgpack()];

interface Link {
  readonly server: ServerTransport;
  readonly client: (address: string) => ClientTransport;
}

const links: readonly [string, () => Link][] = [
  ["tcp", () => ({ server: tcpServer({ port: 0 }), client: (address) => tcp(address) })],
  [
    "memory",
    () => {
      const { client, server } = memory();
      return { server, client: () => client };
    },
  ],
];
const stacks = links.flatMap(([name, link]) =>
  codecs.map((codec) => [`${name} × ${codec.name}`, link, codec] as const),
);

async function start(link: () => Link = links[0]![1], codec = codecs[0]!, options: HealthOptions = {}) {
  const ends = link();
  const state = health(options);
  const server = createServer({ codecs }).add(Health, state.handlers);
  const { address } = await server.listen(ends.server);
  const transport = ends.client(address);
  return {
    state,
    server,
    transport,
    client: createClient(Health, { transport, codec }),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
  };
}

describe.each(stacks)("health over %s", (_, link, codec) => {
  test("Check, Watch and List tell what was set", async () => {
    await using ends = await start(link, codec, { services: [Orders] });
    const { client, state } = ends;
    expect(await client.check({})).toEqual({ status: "SERVING" });
    expect(await client.check({ service: "shop.v1.Orders" })).toEqual({ status: "SERVING" });
    const watch = client.watch({ service: "shop.v1.Orders" });
    expect((await watch.next()).value).toEqual({ status: "SERVING" });
    state.set(Orders, "NOT_SERVING");
    expect((await watch.next()).value).toEqual({ status: "NOT_SERVING" });
    expect((await client.list()).statuses).toEqual({
      "": { status: "SERVING" },
      "shop.v1.Orders": { status: "NOT_SERVING" },
    });
    await watch.return();
    await until(() => state.watchers === 0);
  });
});

describe("health", () => {
  test("Check of an unknown service is NOT_FOUND", async () => {
    await using ends = await start();
    const error = await rpcRejection(ends.client.check({ service: "a.Stranger" }));
    expect(error).toMatchObject({ code: "NOT_FOUND", remote: true });
    expect(error.message).toContain("a.Stranger");
  });

  test("Watch of an unknown service says so, and goes on when the service comes and goes", async () => {
    await using ends = await start();
    const watch = ends.client.watch({ service: "a.Stranger" });
    expect((await watch.next()).value).toEqual({ status: "SERVICE_UNKNOWN" });
    ends.state.set("a.Stranger", "SERVING");
    expect((await watch.next()).value).toEqual({ status: "SERVING" });
    ends.state.forget("a.Stranger");
    expect((await watch.next()).value).toEqual({ status: "SERVICE_UNKNOWN" });
    watch.cancel();
    await until(() => ends.state.watchers === 0);
  });

  test("a status that is set again is not told again, and other services' changes are not heard", async () => {
    await using ends = await start();
    const watch = ends.client.watch({});
    expect((await watch.next()).value).toEqual({ status: "SERVING" });
    ends.state.set("", "SERVING");
    ends.state.set("b.Other", "SERVING");
    ends.state.set("", "UNKNOWN");
    expect((await watch.next()).value).toEqual({ status: "UNKNOWN" });
  });

  test("a watcher that is away when the status changes hears the latest", async () => {
    const state = health();
    const watch = state.handlers.watch as (input: object, context: object) => AsyncGenerator<unknown>;
    const heard = watch({ service: "" }, { signal: new AbortController().signal });
    expect((await heard.next()).value).toEqual({ status: "SERVING" });
    for (const status of ["NOT_SERVING", "UNKNOWN", "NOT_SERVING"] as const) state.set("", status);
    expect((await heard.next()).value).toEqual({ status: "NOT_SERVING" });
    await heard.return(undefined);
    expect(state.watchers).toBe(0);
  });

  test("at shutdown watchers hear NOT_SERVING and their streams end; nothing changes it any more", async () => {
    await using ends = await start();
    const { client, state } = ends;
    const watch = client.watch({});
    await watch.next();
    state.shutdown();
    expect((await watch.next()).value).toEqual({ status: "NOT_SERVING" });
    expect((await watch.next()).done).toBe(true);
    state.set("", "SERVING");
    expect(await client.check({})).toEqual({ status: "NOT_SERVING" });
    const late: unknown[] = [];
    for await (const one of client.watch({})) late.push(one);
    expect(late).toEqual([{ status: "NOT_SERVING" }]);
    expect(state.watchers).toBe(0);
  });

  test("many watchers wait, are told and are gone with their connections", async () => {
    await using ends = await start();
    const watches = Array.from({ length: 200 }, (_, i) => ends.client.watch({ service: `s${i % 7}` }));
    await Promise.all(watches.map((watch) => watch.next()));
    expect(ends.state.watchers).toBe(200);
    ends.state.set("s3", "SERVING");
    const told = watches.filter((_, i) => i % 7 === 3);
    for (const watch of told) expect((await watch.next()).value).toEqual({ status: "SERVING" });
    await ends.transport.close();
    await until(() => ends.state.watchers === 0);
  });

  test("List refuses more than a hundred services", async () => {
    await using ends = await start(undefined, undefined, {
      services: Array.from({ length: 100 }, (_, i) => `a.S${i}`),
    });
    expect((await rpcRejection(ends.client.list())).code).toBe("RESOURCE_EXHAUSTED");
  });

  test("what is no request or no status is refused", async () => {
    await using ends = await start();
    for (const service of [5, "x".repeat(1_001)]) {
      const error = await rpcRejection(ends.client.check({ service: service as string }));
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toContain("service");
    }
    expect(() => ends.state.set("", "FINE" as "SERVING")).toThrow('"FINE" is not a status');
    expect(() => ends.state.set(undefined as never, "SERVING")).toThrow("a contract or its name");
    expect(() => health({ services: [{} as never] })).toThrow(TypeError);
    expect(() => health({ services: "shop" as never })).toThrow("`services` must be a list");
    expect(() => health({ service: [] } as never)).toThrow('health has no option "service"');
  });

  test("the contract takes the numbers of protobuf, and no others", () => {
    const { validate } = Health.methods.check.output["~standard"];
    expect(validate({ status: 1 })).toEqual({ value: { status: "SERVING" } });
    // A field with its default is not on protobuf's wire.
    expect(validate({})).toEqual({ value: { status: "UNKNOWN" } });
    for (const status of [4, -1, 1.5, "serving", null]) expect(validate({ status })).toHaveProperty("issues");
    expect(Health.methods.list.output["~standard"].validate({ statuses: { a: { status: 9 } } })).toHaveProperty(
      "issues",
    );
  });
});
