import { allocateBytes } from "@farcall/core";
import type { RigTest } from "./connection-rig.ts";
import { check, settled, until } from "./until.ts";

/** How connections end. */
export function connectionEnd(test: RigTest): void {
  test("close lets everything written arrive, then ends both ends without an error", async (rig) => {
    const { client, server } = await rig.pair();
    await server.send(10);
    await until(() => client.received === 10, "a first word arrives");
    for (let i = 0; i < 100; i++) await client.send(1 + i);
    client.writeNext(8 * 2 ** 20);
    client.close();
    const [mine, theirs] = await Promise.all([client.closed, server.closed]);
    check(mine === undefined, `closed with ${String(mine)} at the end that closed`);
    check(theirs === undefined, `closed with ${String(theirs)} at the other end`);
    check(server.received === client.sent, `${client.sent - server.received} bytes were lost by close`);
  });

  test("close by the accepting end does the same", async (rig) => {
    const { client, server } = await rig.pair();
    server.writeNext(2 ** 20);
    server.close();
    const [theirs, mine] = await Promise.all([client.closed, server.closed]);
    check(mine === undefined && theirs === undefined, `closed with ${String(mine)} and ${String(theirs)}`);
    check(client.received === 2 ** 20, "bytes were lost by close");
  });

  test("what was written before close arrives at an end that opens later", async (rig) => {
    const client = (await rig.connect()).open();
    client.writeNext(2_000);
    client.close();
    const server = await rig.accepted();
    await settled(() => rig.waiting.length);
    server.open();
    await server.closed;
    check(server.received === 2_000, "bytes were lost by close");
  });

  test("close works while the other end keeps sending", async (rig) => {
    const { client, server } = await rig.pair();
    const sending = (async () => {
      const memory = allocateBytes(50_000);
      while (!server.isClosed) await server.send(memory.length, memory);
    })();
    await until(() => client.received > 100_000, "bytes arrive");
    await client.send(1_000);
    client.close();
    await Promise.all([client.closed, server.closed, sending]);
    check(server.received === 1_000, "bytes were lost by close");
  });

  test("close works while its reader is paused", async (rig) => {
    const { client, server } = await rig.pair();
    client.pause();
    server.writeNext(1_000);
    client.writeNext(1_000);
    client.close();
    await Promise.all([client.closed, server.closed]);
  });

  test("both ends may close at once", async (rig) => {
    const { client, server } = await rig.pair();
    await server.send(3);
    await until(() => client.received === 3, "a first word arrives");
    client.close();
    server.close();
    const errors = await Promise.all([client.closed, server.closed]);
    check(
      errors.every((error) => error === undefined),
      `closed with ${errors.join(" and ")}`,
    );
  });

  test("destroy ends both ends, with its error at the end that was destroyed", async (rig) => {
    const { client, server } = await rig.pair();
    const error = new Error("enough");
    client.destroy(error);
    check((await client.closed) === error, "closed came without the error of destroy");
    await server.closed;
  });

  test("destroy ends a connection whose reader is paused and whose writer waits", async (rig) => {
    const { client, server } = await rig.pair();
    server.pause();
    while (client.writeNext(2 ** 20));
    client.destroy();
    check((await client.closed) === undefined, "destroy without an error closed with one");
    server.resume();
    await server.closed;
  });

  test("destroy ends a close that waits", async (rig) => {
    const { client, server } = await rig.pair();
    server.pause();
    client.writeNext(32 * 2 ** 20);
    client.close();
    client.destroy();
    await client.closed;
    server.resume();
    await server.closed;
  });

  test("destroy from inside data is the last event but closed", async (rig) => {
    const { client, server } = await rig.pair();
    server.onData = () => {
      server.onData = () => server.violations.push("data came after destroy");
      server.destroy();
    };
    await client.send(500_000).catch(() => undefined);
    await Promise.all([client.closed, server.closed]);
  });

  test("destroy before anything has happened closes", async (rig) => {
    const client = (await rig.connect()).open();
    client.destroy();
    await client.closed;
  });

  test("the death of the peer closes, and ends a writer's wait", async (rig) => {
    const { client, server } = await rig.pair();
    server.pause();
    const waiting = (async () => {
      while (!client.isClosed) await client.send(2 ** 16);
    })();
    await settled(() => client.sent);
    server.destroy();
    await Promise.all([client.closed, server.closed, waiting]);
  });

  test("after the end every function does nothing", async (rig) => {
    const { client, server } = await rig.pair();
    client.close();
    client.close();
    await Promise.all([client.closed, server.closed]);
    for (const end of [client, server]) {
      end.connection.write(new Uint8Array(10));
      end.pause();
      end.resume();
      end.close();
      end.destroy(new Error("too late"));
    }
    await settled(() => client.violations.length + server.violations.length);
  });
}
