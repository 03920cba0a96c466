import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cbor } from "@farcall/codec/cbor";
import { createClient } from "@farcall/core";
import { tcp } from "@farcall/transport-tcp";
import { afterEach, expect, test } from "vitest";
import { Shop } from "./contract.ts";
import { collect, rpcRejection } from "./waits.ts";

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function serve(port: number): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "restart-server.ts"), String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const [address] = (await once(createInterface(child.stdout as NonNullable<typeof child.stdout>), "line")) as [string];
  return { child, address };
}

async function exit(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}

test("a server that is killed and comes back on the same port: the client connects anew", async () => {
  const { child, address } = await serve(0);
  await using transport = tcp(address, { backoff: { initialMs: 20, maxMs: 50 } });
  const client = createClient(Shop, { transport, codec: cbor() });
  const endless = client.endless(10);
  await endless.next();
  const waiting = rpcRejection(client.wait("a"));
  await client.echo("both have arrived");
  await exit(child, "SIGKILL");
  expect(await waiting).toMatchObject({
    code: "UNAVAILABLE",
    processed: "unknown",
    explain: { attempts: [{ peer: address }] },
  });
  expect((await rpcRejection(collect(endless))).code).toBe("UNAVAILABLE");
  expect(await rpcRejection(client.echo(1))).toMatchObject({ code: "UNAVAILABLE", processed: "no" });

  const patient = client.echo("patient", { waitForReady: true });
  const { child: second } = await serve(Number(address.split(":").at(-1)));
  expect(await patient).toBe("patient");
  expect(await client.sum([{ n: 1 }, { n: 2 }])).toEqual({ sum: 3, count: 2 });
  await transport.close();
  await exit(second, "SIGTERM");
});

test("a server that is asked to stop finishes what it runs", async () => {
  const { child, address } = await serve(0);
  await using transport = tcp(address);
  const client = createClient(Shop, { transport, codec: cbor() });
  let say: (text: string | undefined) => void = () => {};
  const talk = client.talk(
    (out) =>
      new Promise<void>((done) => {
        say = (text) => (text === undefined ? done() : void out.send(text));
      }),
  );
  say("before");
  expect((await talk.next()).value).toBe("BEFORE");
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  // The stream goes on; new calls are refused, or find nobody.
  await expect
    .poll(async () => (await client.echo(1).catch((error: { code: string }) => error.code)) as string)
    .toBe("UNAVAILABLE");
  say("after");
  expect((await talk.next()).value).toBe("AFTER");
  say(undefined);
  expect((await talk.next()).done).toBe(true);
  expect(await exited).toEqual([0, null]);
});
