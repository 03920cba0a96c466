import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { conversations, goldenClient, goldenServer, monologues, withStoppedClock } from "./rig/conversations.ts";
import { decode, decodeAll, encode, kinds } from "./rig/frame-text.ts";
import { Link } from "./rig/pair.ts";
import { RawPeer } from "./rig/raw-peer.ts";
import { turns, until } from "./rig/until.ts";
import { bytesFrom, readVectors, type Step } from "./rig/vectors.ts";

const vectors = readVectors();
const all = [...vectors.conversations, ...vectors.monologues];
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Says what one end says in a conversation, each step when the steps of the other end before it have been heard. */
async function speak(
  peer: RawPeer,
  from: Step["from"],
  steps: readonly Step[],
  beside: () => Promise<void>,
): Promise<void> {
  let wanted = 0;
  for (const step of steps) {
    if (step.from === from) {
      peer.raw(step.hex);
    } else {
      wanted += step.hex.length / 2;
      await beside();
      await until(() => peer.receivedBytes >= wanted || peer.closed, `${wanted} bytes arrive`);
    }
  }
}

describe("what the vectors say is what their bytes mean, by the document alone", () => {
  for (const { name, steps } of all) {
    test(`${name}`, () => {
      for (const from of ["client", "server"] as const) {
        const frames = steps.filter((step) => step.from === from).flatMap((step) => step.frames);
        const bytes = bytesFrom(steps, from);
        expect(decodeAll(bytes.subarray(8))).toEqual(frames);
        const raw = { "0x80": 0x80, "0x7f": 0x7f };
        const again = frames.map((frame) => encode({ ...frame, rawKind: raw[frame.kind as keyof typeof raw] }));
        expect(hexOf(Buffer.concat(again))).toBe(hexOf(bytes.subarray(8)));
      }
    });
  }

  test("single frames", () => {
    for (const { hex, frame } of vectors.frames) {
      const bytes = Buffer.from(hex, "hex");
      expect(decode(bytes[3] as number, bytes.subarray(4))).toEqual(frame);
      expect(hexOf(encode(frame))).toBe(hex);
    }
  });

  test("every kind of frame is among them", () => {
    const seen = new Set(all.flatMap(({ steps }) => steps.flatMap((step) => step.frames.map((frame) => frame.kind))));
    for (const { frame } of vectors.frames) seen.add(frame.kind);
    expect(Object.keys(kinds).filter((kind) => !seen.has(kind))).toEqual([]);
  });
});

describe("the server reads a golden client and writes exactly these bytes", () => {
  for (const { name, steps } of all) {
    test(`${name}`, () =>
      withStoppedClock(async () => {
        const link = new Link();
        const golden = await goldenServer(
          link.listener,
          conversations.find((one) => one.name === name)?.layout ?? false,
        );
        const peer = new RawPeer(link.connect());
        await speak(peer, "client", steps, async () => {
          if (!name.includes("drains") || peer.of("hello").length === 0) return;
          await until(() => golden.hanging() === 1, "the handler runs");
          void golden.listening.drain();
          golden.release();
        });
        await turns();
        expect(hexOf(peer.bytes)).toBe(hexOf(bytesFrom(steps, "server")));
        peer.connection.destroy();
        await golden.server.close({ graceMs: 0 });
      }));
  }
});

describe("the client reads a golden server and writes exactly these bytes", () => {
  for (const { name, layout = false, play, result } of conversations) {
    test(`${name}`, () =>
      withStoppedClock(async () => {
        const steps = vectors.conversations.find((one) => one.name === name)?.steps ?? [];
        const link = new Link();
        const peers: RawPeer[] = [];
        await link.listener.listen((connection) => {
          peers.push(new RawPeer(connection));
        });
        const { transport, client } = goldenClient(link.connector, layout);
        const played = play({ client, hangs: () => turns() });
        await until(() => peers.length === 1, "the client connects");
        const peer = peers[0] as RawPeer;
        await speak(peer, "server", steps, async () => {});
        expect(await played).toEqual(result);
        await turns();
        expect(hexOf(peer.bytes)).toBe(hexOf(bytesFrom(steps, "client")));
        await transport.close();
        peer.connection.destroy();
      }));
  }
});

test("the vectors are of the conversations that are tested", () => {
  expect(vectors.conversations.map((one) => one.name)).toEqual(conversations.map((one) => one.name));
  expect(vectors.monologues.map((one) => one.name)).toEqual(monologues.map((one) => one.name));
});

test("the bytes that the specification shows are vectors", () => {
  const text = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```hex\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  const known = all.flatMap(({ steps }) => [bytesFrom(steps, "client"), bytesFrom(steps, "server")]).map(hexOf);
  known.push(...vectors.frames.map((one) => one.hex));
  // An end in front of each line and a comment behind it.
  const lines = blocks.flatMap((block) => block.trim().split("\n"));
  const unknown = lines.filter((line) => {
    const hex = line
      .replace(/^[CS] /, "")
      .replace(/#.*$/, "")
      .replaceAll(" ", "");
    return !known.some((one) => one.includes(hex));
  });
  expect(unknown).toEqual([]);
});
