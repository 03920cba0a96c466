import { allocateBytes } from "@farcall/core";
import { BytePattern } from "./byte-pattern.ts";
import type { RigTest } from "./connection-rig.ts";
import { check, settled, until } from "./until.ts";
import type { WatchedConnection } from "./watched-connection.ts";

/** Sends chunks of random sizes, one byte to 200 KB and mostly small, out of one memory that is used again and again. */
async function sendChunks(from: WatchedConnection, count: number, seed: number): Promise<void> {
  const sizes = new BytePattern(seed);
  const memory = allocateBytes(200_000);
  for (let i = 0; i < count && !from.isClosed; i++)
    await from.send(1 + sizes.below(2 ** (1 + sizes.below(17))), memory);
}

/** Bytes: their order and content, what pauses them, whose memory they are in. */
export function connectionBytes(test: RigTest): void {
  test("carries bytes unchanged and in order, both ways at once, in chunks of random sizes", async (rig) => {
    const { client, server } = await rig.pair();
    await Promise.all([sendChunks(client, 400, rig.seed + 1), sendChunks(server, 400, rig.seed + 2)]);
    await until(() => server.received === client.sent && client.received === server.sent, "all bytes arrive");
  });

  test("carries one chunk of 16 MiB", async (rig) => {
    const { client, server } = await rig.pair();
    await client.send(16 * 2 ** 20);
    await until(() => server.received === client.sent, "all bytes arrive");
  });

  test("leaves the sender's memory alone after write returned true, and takes it back after drained", async (rig) => {
    const { client, server } = await rig.pair();
    const memory = allocateBytes(3_000);
    // No waiting between writes as long as there is room: this is where a transport that keeps chunks is found out.
    for (let i = 0; i < 2_000; i++) await client.send(3_000, memory);
    await until(() => server.received === client.sent, "all bytes arrive");
  });

  test("an empty chunk is no event at the other end", async (rig) => {
    const { client, server } = await rig.pair();
    if (!client.write(new Uint8Array(0))) await client.whenDrained();
    await client.send(10);
    await until(() => server.received === 10, "the bytes after it arrive");
  });

  test("answers from inside data arrive", async (rig) => {
    const { client, server } = await rig.pair();
    let room = true;
    server.onData = () => {
      if (room) room = server.writeNext(100);
    };
    await client.send(5);
    await until(() => client.received === 100, "the answer arrives");
  });

  test("keeps what arrives before open", async (rig) => {
    const client = (await rig.connect()).open();
    client.writeNext(1_000);
    const server = await rig.accepted();
    await settled(() => server.received);
    check(server.received === 0, "data came before open");
    server.open();
    await until(() => server.received === 1_000, "what arrived before open is delivered");
  });

  test("pausing from inside data stops the next chunk, resuming goes on", async (rig) => {
    const { client, server } = await rig.pair();
    server.onData = () => {
      server.pause();
      setTimeout(() => server.resume(), 0);
    };
    await sendChunks(client, 50, rig.seed + 3);
    await until(() => server.received === client.sent, "all bytes arrive");
  });

  test("a reader that pauses stops the writer within bounded memory, and loses nothing", async (rig) => {
    const { client, server } = await rig.pair();
    server.pause();
    const total = 32 * 2 ** 20;
    const writing = (async () => {
      const memory = allocateBytes(2 ** 16);
      while (client.sent < total) await client.send(memory.length, memory);
    })();
    await settled(() => client.sent);
    check(server.received === 0, "data came while paused");
    check(client.sent < total / 2, `${client.sent} bytes were taken although the reader is paused`);
    server.resume();
    await writing;
    await until(() => server.received === total, "all bytes arrive");
  });

  test("one direction goes on while the other is paused", async (rig) => {
    const { client, server } = await rig.pair();
    server.pause();
    const blocked = client.writeNext(32 * 2 ** 20);
    check(!blocked, "32 MiB to a paused reader were taken at once");
    await sendChunks(server, 100, rig.seed + 4);
    await until(() => client.received === server.sent, "the other direction arrives");
    server.resume();
    await client.whenDrained();
    await until(() => server.received === client.sent, "all bytes arrive");
  });

  test("carries the bytes of fifty connections at once", async (rig) => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => rig.connect()));
    const servers: WatchedConnection[] = [];
    for (const _ of clients) servers.push(await rig.accepted());
    const all = [...clients, ...servers].map((one) => one.open());
    await Promise.all(all.map((one, i) => sendChunks(one, 30, rig.seed + i)));
    const total = (ends: WatchedConnection[], what: "sent" | "received") =>
      ends.reduce((sum, one) => sum + one[what], 0);
    await until(() => total(clients, "sent") === total(servers, "received"), "what clients sent arrives");
    await until(() => total(servers, "sent") === total(clients, "received"), "what servers sent arrives");
  });
}
