import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "@farcall/codec/json";
import { type Client, type ClientTransport, createClient, RpcError } from "@farcall/core";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { tcp, tcpListener } from "../src/index.ts";
import { explainListenError } from "../src/listen-error.ts";
import { Who } from "./shared-port-contract.ts";
import { ways } from "./shared-port.ts";

type WhoClient = Client<typeof Who>;

const folder = mkdtempSync(join(tmpdir(), "farcall-"));
afterAll(() => rmSync(folder, { recursive: true }));

const transports: ClientTransport[] = [];
afterEach(async () => {
  await Promise.all(transports.splice(0).map((one) => one.close()));
});

/** A client with a connection of its own, and who is at its other end. */
async function newcomer(address: string) {
  const transport = tcp(address);
  transports.push(transport);
  const who = createClient(Who, { transport, codec: json() });
  return { who, id: await whoAnswers(who) };
}

/** Calls again when no server has seen the call. */
async function whoAnswers(who: WhoClient): Promise<string> {
  for (;;) {
    try {
      return (await who.answers({ later: false }, { waitForReady: true })).id;
    } catch (error) {
      if (!(error instanceof RpcError) || error.processed !== "no") throw error;
    }
  }
}

/** Opens connections until `count` servers have answered; the system decides who gets which. */
async function reachAll(address: string, count: number) {
  const reached = new Map<string, Awaited<ReturnType<typeof newcomer>>>();
  while (reached.size < count) {
    const one = await newcomer(address);
    reached.set(one.id, one);
  }
  return reached;
}

async function startTwo(way: (typeof ways)["processes"]) {
  const first = await way({ port: 0 });
  // Another listener's free port would be another one; in a cluster, the primary has one for all.
  const port = way === ways.cluster ? 0 : Number(first.address.split(":")[1]);
  const second = await way({ port });
  return { first, second, address: first.address };
}

describe.each(Object.entries(ways))("servers that share a port: %s", { timeout: 60_000 }, (_, way) => {
  test("are all reached at one address", async () => {
    const { second, address } = await startTwo(way);
    expect(second.address).toBe(address);
    expect((await reachAll(address, 2)).size).toBe(2);
  });

  test("drain one by one: calls in flight end well, and new connections go to the others", async () => {
    const { first, second, address } = await startTwo(way);
    const reached = await reachAll(address, 2);
    const [one, other] = [first, second].map(({ id }) => reached.get(id)?.who as WhoClient);
    const held = Promise.all([first.says("holding"), second.says("holding")]);
    const inFlight = Promise.all([one?.answers({ later: true }), other?.answers({ later: true })]);
    await held;

    first.tell("drain");
    // Its client is told so, and calls elsewhere.
    await expect.poll(() => whoAnswers(one as WhoClient), { timeout: 30_000 }).toBe(second.id);
    for (let n = 0; n < 20; n++) expect((await newcomer(address)).id).toBe(second.id);

    first.tell("let go");
    second.tell("let go");
    expect(await inFlight).toEqual([{ id: first.id }, { id: second.id }]);
    expect(await first.ended).toBe(0);
    expect((await newcomer(address)).id).toBe(second.id);
  });
});

test(
  "a server that was too busy to accept greets everybody before it stops to listen",
  { timeout: 60_000 },
  async () => {
    const { first, address } = await startTwo(ways.processes);
    const file = join(folder, "accept");
    const busy = first.says("busy");
    first.tell(`busy until ${file}`);
    first.tell("drain");
    await busy;
    // The system connects them; half of them, about, wait for the busy one.
    const connected = await Promise.all(Array.from({ length: 100 }, () => connectTo(Number(address.split(":")[1]))));
    writeFileSync(file, "");
    const heard = await Promise.all(connected.map(firstBytes));
    expect(heard).toEqual(heard.map(() => "FARCALL"));
    await first.ended;
  },
);

async function connectTo(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

/** What a connection hears first, or why it hears nothing. */
function firstBytes(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("error", (error) => resolve(error.message));
    socket.once("close", () => resolve("closed"));
    socket.once("data", (bytes: Buffer) => {
      resolve(bytes.toString("latin1", 0, 7));
      socket.destroy();
    });
  });
}

describe("a Unix socket in a cluster", () => {
  test(
    "stays when one of its servers drains, also one that a killed process had left",
    { timeout: 60_000 },
    async () => {
      const path = join(folder, "shared.sock");
      const killed = await ways.processes({ path, reusePort: false });
      killed.kill();
      await killed.ended;

      const first = await ways.cluster({ path });
      await ways.cluster({ path });
      expect((await reachAll(first.address, 2)).size).toBe(2);
      first.tell("drain");
      expect(await first.ended).toBe(0);
      expect((await reachAll(first.address, 1)).size).toBe(1);
    },
  );
});

test("a Unix socket and reusePort don't go together", () => {
  expect(() => tcpListener({ path: "/run/app.sock", reusePort: true })).toThrow(/no port to share/);
});

test("a system without reusePort is named, with what to do instead", () => {
  const unsupported = Object.assign(new Error("listen ENOTSUP"), { code: "ENOTSUP" });
  const explained = explainListenError(unsupported, { port: 7001, reusePort: true });
  expect(explained).toMatchObject({ code: "ENOTSUP", cause: unsupported });
  expect(explained.message).toMatch(/reusePort.*node:cluster/);
  expect(explainListenError(unsupported, { port: 7001 })).toBe(unsupported);
});
