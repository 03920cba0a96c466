import { RpcError } from "@farcall/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientFixture, fixture } from "./rig/fixture.ts";
import { encode, type Frame, preface } from "./rig/frame-text.ts";
import { clientHello, type RawPeer, serverHello } from "./rig/raw-peer.ts";
import { randomFrom, turns, until } from "./rig/until.ts";

// FARCALL_SEED repeats a run, FARCALL_SCRIPTS makes it longer.
const seed = Number(process.env["FARCALL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const scripts = Number(process.env["FARCALL_SCRIPTS"] ?? 400);
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeAll(() => {
  console.log(`random scripts: FARCALL_SEED=${seed}`);
  process.on("unhandledRejection", note).on("uncaughtException", note);
});
afterAll(() => {
  process.off("unhandledRejection", note).off("uncaughtException", note);
});

const methods: [string, number][] = [
  ["echo", 0],
  ["hang", 0],
  ["count", 1],
  ["sum", 2],
  ["talk", 3],
  ["nothing", 0],
];

/** Frames that mostly make sense, for calls 0 to 7. */
function script(random: () => number, isClient: boolean): Frame[] {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const frames: Frame[] = isClient
    ? methods.map(([method, call], binding): Frame => ({
        kind: "bind",
        binding,
        call,
        codec: "json",
        method: `test.v1.Test/${method}`,
        requestLayout: "",
        responseLayout: "",
      }))
    : [];
  let next = 0;
  const count = 5 + Math.floor(random() * 40);
  for (let i = 0; i < count; i++) {
    const call = Math.floor(random() * (next + 1));
    const message = pick(["1", '"x"', '{"n":3}', "{", "x".repeat(Math.floor(random() * 3000)), ""]);
    const end = random() < 0.4;
    const wild: Frame[] = [
      { kind: "data", call, message, end },
      { kind: "data", call, size: 10, message: "1234" },
      { kind: "data", call, part: true, message: "123", end },
      { kind: "data", call, messages: Array.from({ length: 1 + Math.floor(random() * 5) }, () => message), end },
      { kind: "data", call, many: true, message: pick(["", "hex:0100", "hex:01003101", "hex:0100310000"]), end },
      { kind: "data", call, messages: ["1"], part: random() < 0.5, ...(random() < 0.5 ? { size: 10 } : {}) },
      { kind: "data", call, size: 6_000, message: "1".repeat(3_000) },
      { kind: "data", call, part: true, message: "1".repeat(3_000), end },
      { kind: "credit", call: random() < 0.5 ? call : "connection", bytes: pick([0, 1, 1000, 0x7fffffff]) },
      { kind: "ping", payload: "0000000000000000" },
      { kind: "pong", payload: "0000000000000000" },
      { kind: "0xee", rawKind: 0xee, raw: "00" },
      { kind: "end", call },
      { kind: "cancel", call, code: 1 },
      { kind: "header", call, metadata: [["k", "v"]] },
      {
        kind: "status",
        call,
        code: pick([0, 5, 200]),
        processed: pick(["no", "yes"]),
        message: "m",
        trailers: [["k", "v"]],
      },
      { kind: "goAway", accepted: call, code: pick([0, 14]), message: "" },
      { kind: "bound", binding: 0, request: end, response: end },
    ];
    if (isClient && random() < 0.5)
      frames.push({ kind: "start", call: next++, binding: Math.floor(random() * 6), message, end });
    else frames.push(wild[Math.floor(random() * wild.length)] as Frame);
  }
  return frames;
}

/** The bytes, some of them changed, cut into chunks. */
function mutated(random: () => number, hello: Frame, frames: Frame[]): Uint8Array[] {
  const bytes = Buffer.concat([Buffer.from(preface, "hex"), encode(hello), ...frames.map(encode)]);
  const from = random() < 0.1 ? 0 : 8 + encode(hello).length;
  if (random() < 0.5) {
    for (let i = 0; i < 1 + random() * 4; i++)
      bytes[from + Math.floor(random() * (bytes.length - from))] = Math.floor(random() * 256);
  }
  const end = random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < end;) {
    const length = random() < 0.3 ? 1 + Math.floor(random() * 20) : 1 + Math.floor(random() * 5000);
    chunks.push(bytes.subarray(at, Math.min(at + length, end)));
    at += length;
  }
  return chunks;
}

test("a server outlives random scripts, and so do its other callers", { timeout: 60_000 }, async () => {
  const random = randomFrom(seed);
  await using f = await fixture({ core: { limits: { handshakeTimeoutMs: 2_000 } } });
  for (let i = 0; i < scripts; i++) {
    const peer: RawPeer = f.peer();
    for (const chunk of mutated(random, clientHello, script(random, true))) peer.raw(chunk);
    await turns(5);
    if (!peer.closed && random() < 0.5) peer.connection.close();
    else peer.connection.destroy();
    expect([i, await f.client.echo(i)]).toEqual([i, i]);
  }
  await until(() => f.server.openCalls === 0 && f.hanging.size === 0, "no call is left");
  expect(unhandled).toEqual([]);
});

test("a client outlives random servers, and settles every call", { timeout: 60_000 }, async () => {
  const random = randomFrom(seed + 1);
  for (let i = 0; i < scripts; i++) {
    await using f = await clientFixture({ connectTimeoutMs: 2_000 });
    const collect = async (stream: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of stream);
    };
    const calls = [
      f.client.echo(1),
      f.client.hang(2),
      collect(f.client.count({ n: 3 })),
      f.client.sum([1, 2]),
      collect(f.client.talk([1])),
    ];
    const settled = Promise.allSettled(calls);
    const server = await f.server();
    const chunks = mutated(random, serverHello, script(random, false));
    for (const chunk of chunks) server.raw(chunk);
    await turns(5);
    server.connection.destroy();
    await f.transport.close();
    const strange = (await settled).filter((one) => one.status === "rejected" && !(one.reason instanceof RpcError));
    expect([i, strange]).toEqual([i, []]);
  }
  await turns();
  expect(unhandled).toEqual([]);
});
