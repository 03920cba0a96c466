import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { FrameKind } from "../src/frame.ts";
import { fixture, clientFixture } from "./rig/fixture.ts";
import { decodeAll, type Frame, messagesOf } from "./rig/frame-text.ts";
import { json } from "./rig/json-codec.ts";
import { Outbox, sender } from "./rig/outbox.ts";
import { failure, until } from "./rig/until.ts";

const codec = json().message({ name: "", schema: undefined as never });
const kindsOf = (frames: readonly Frame[]): string[] => frames.map(({ kind }) => kind);
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

describe("messages of a stream", () => {
  const outbox = (most = 0xffffffff) => {
    const one = new Outbox();
    one.scheduler.creditConnection(2 ** 29);
    one.scheduler.maxMessageBytes = most;
    const send = (call: ReturnType<typeof sender>, value: unknown, positional = false): boolean =>
      one.scheduler.sendNext(call, codec, value, positional);
    /** Another frame, as `header`, `status` and `credit` are written. */
    const write = (kind: number, ...fields: number[]): void => {
      const frame = one.queue.begin(kind);
      one.queue.write(Uint8Array.from(fields));
      one.queue.finish(frame);
    };
    return { one, send, write };
  };

  test("share a frame as long as nothing comes between", () => {
    const { one, send } = outbox();
    const call = sender(3);
    for (const value of [1, "two", [3]]) expect(send(call, value)).toBe(true);
    expect(one.frames()).toEqual([{ kind: "data", call: 3, messages: ["1", '"two"', "[3]"] }]);
  });

  test("cost what they would cost by themselves", () => {
    const { one, send } = outbox();
    const call = sender(3, 1_000);
    for (const value of [1, "two", [3]]) send(call, value);
    expect(call.sendCredit).toBe(1_000 - (1 + 5 + 3) - 3 * 16);
    one.frames();
  });

  test("keep their place among frames of other kinds, and of other calls", () => {
    const { one, send, write } = outbox();
    const [a, b] = [sender(1), sender(2)];
    send(a, 1);
    send(a, 2);
    write(FrameKind.credit, 1, 0, 0, 0, 9, 0, 0, 0);
    send(a, 3);
    send(b, 4);
    send(a, 5);
    send(a, 6);
    write(FrameKind.end, 1, 0, 0, 0);
    expect(one.frames()).toEqual([
      { kind: "data", call: 1, messages: ["1", "2"] },
      { kind: "credit", call: 1, bytes: 9 },
      { kind: "data", call: 1, messages: ["3"] },
      { kind: "data", call: 2, messages: ["4"] },
      { kind: "data", call: 1, messages: ["5", "6"] },
      { kind: "end", call: 1 },
    ]);
  });

  test("of two layouts do not share one", () => {
    const { one, send } = outbox();
    const call = sender(1);
    send(call, { a: 1 });
    send(call, { a: 2 }, true);
    send(call, { a: 3 }, true);
    expect(one.frames()).toEqual([
      { kind: "data", call: 1, messages: ['{"a":1}'] },
      { kind: "data", call: 1, positional: true, messages: ["[2]", "[3]"] },
    ]);
  });

  test("begin a new frame when the last one has left", () => {
    const { one, send } = outbox();
    const call = sender(1);
    send(call, 1);
    one.queue.flush();
    send(call, 2);
    send(call, 3);
    expect(one.frames()).toEqual([
      { kind: "data", call: 1, messages: ["1"] },
      { kind: "data", call: 1, messages: ["2", "3"] },
    ]);
  });

  test("are not mistaken for those before a frame that ends where theirs did", () => {
    const { one, send, write } = outbox();
    const call = sender(1);
    send(call, 1);
    one.queue.flush();
    // As long as a frame with the message 1.
    write(FrameKind.ping, 1, 2, 3, 4, 5, 6, 7, 8);
    send(call, 2);
    expect(one.frames()).toEqual([
      { kind: "data", call: 1, messages: ["1"] },
      { kind: "ping", payload: "0102030405060708" },
      { kind: "data", call: 1, messages: ["2"] },
    ]);
  });

  test("begin a new frame also while the connection keeps the last one", () => {
    const { one, send } = outbox();
    const call = sender(1);
    one.takes = () => false;
    send(call, 1);
    one.queue.flush();
    expect(one.busy).toBe(true);
    send(call, 2);
    send(call, 3);
    expect(messagesOf(one.frames(), 1)).toEqual(["1", "2", "3"]);
  });

  test("one that cannot be encoded leaves those before it where they are, and costs nothing", () => {
    const { one, send } = outbox();
    const call = sender(1, 1_000);
    expect(() => send(call, 0n)).toThrow("BigInt");
    send(call, 1);
    expect(() => send(call, undefined)).toThrow("not JSON");
    send(call, 2);
    expect(() => send(call, 0n)).toThrow("BigInt");
    expect(call.sendCredit).toBe(1_000 - 2 * 17);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["1", "2"] }]);
  });

  test("one that fails after it has written a lot leaves those before it where they are", () => {
    const { one, send } = outbox();
    const call = sender(1);
    send(call, 1);
    const half = {
      ...codec,
      encode(_: unknown, into: { write(bytes: Uint8Array): void }): void {
        into.write(new Uint8Array(300_000).fill(0xee));
        throw new Error("half way");
      },
    };
    expect(() => one.scheduler.sendNext(call, half, 0, false)).toThrow("half way");
    send(call, 2);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["1", "2"] }]);
  });

  test("one that is too large for the peer leaves those before it where they are", () => {
    const { one, send } = outbox(100);
    const call = sender(1, 1_000);
    send(call, 1);
    expect(() => send(call, "x".repeat(200))).toThrow("limit of 100");
    send(call, 2);
    expect(call.sendCredit).toBe(1_000 - 2 * 17);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["1", "2"] }]);
  });

  test("wait in their order when credit runs out in the middle, and share frames again later", () => {
    const { one, send } = outbox();
    const call = sender(1, 2 * 17);
    expect(numbers(1, 6).map((n) => send(call, Number(n)))).toEqual([true, true, false, false, false]);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["1", "2"] }]);
    one.scheduler.creditCall(call, 2 * 17);
    expect(messagesOf(one.frames(), 1)).toEqual(["3", "4"]);
    expect(call.caughtUp).toBe(0);
    // Nothing passes what waits, though there is credit for it.
    call.sendCredit += 17;
    expect(send(call, 6)).toBe(false);
    expect(one.frames()).toEqual([]);
    one.scheduler.creditCall(call, 17);
    expect([messagesOf(one.frames(), 1), call.caughtUp]).toEqual([["5", "6"], 1]);
    call.sendCredit = 1_000;
    send(call, 7);
    send(call, 8);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["7", "8"] }]);
  });

  test("wait when the connection's credit runs out in the middle", () => {
    const one = new Outbox();
    const [hog, call] = [sender(9), sender(1)];
    one.scheduler.wait(hog, new Uint8Array(1024 * 1024 - 2 * 17 - 16).fill(0x78), 0);
    one.frames();
    const send = (value: number): boolean => one.scheduler.sendNext(call, codec, value, false);
    expect([1, 2, 3, 4].map(send)).toEqual([true, true, false, false]);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["1", "2"] }]);
    one.scheduler.creditConnection(100);
    expect(messagesOf(one.frames(), 1)).toEqual(["3", "4"]);
  });

  test("a large one follows those before it, and those behind it follow it", () => {
    const { one, send } = outbox();
    const call = sender(1);
    const large = "x".repeat(150_000);
    send(call, 1);
    send(call, 2);
    send(call, large);
    send(call, 3);
    send(call, 4);
    const frames = one.frames() as any[];
    expect(frames[0]).toEqual({ kind: "data", call: 1, messages: ["1", "2"] });
    expect(frames[1]).toMatchObject({ size: 150_002 });
    const parts = frames.filter(({ size, part }) => size !== undefined || part);
    expect(parts.map(({ message }) => message).join("")).toBe(JSON.stringify(large));
    expect(messagesOf(frames.slice(1 + parts.length), 1)).toEqual(["3", "4"]);
    send(call, 5);
    send(call, 6);
    expect(one.frames()).toEqual([{ kind: "data", call: 1, messages: ["5", "6"] }]);
  });

  test("one of 65,535 bytes shares a frame, one byte more has its own", () => {
    const { one, send } = outbox();
    const call = sender(1);
    for (const size of [65_533, 65_534]) {
      send(call, 1);
      send(call, "x".repeat(size));
      const frames = one.frames() as any[];
      expect(messagesOf(frames, 1).map((message) => message.length)).toEqual([1, size + 2]);
      expect(frames.map(({ messages }) => messages?.length)).toEqual(size === 65_533 ? [2] : [1, undefined]);
    }
  });

  test("fill a frame to 32 KiB and little more when nothing can leave", () => {
    const { one, send, write } = outbox();
    one.takes = () => false;
    write(FrameKind.ping, 1, 2, 3, 4, 5, 6, 7, 8);
    one.queue.flush();
    const call = sender(1);
    for (let i = 0; i < 200; i++) send(call, "y".repeat(998));
    const data = (one.frames() as any[]).filter(({ kind }) => kind === "data");
    expect(messagesOf(data, 1)).toHaveLength(200);
    const shared = data.map(({ messages }) => messages.length);
    expect([...new Set(shared.slice(0, -1))]).toEqual([33]);
  });

  test("leave before the end of the turn when there are many", () => {
    const { one, send } = outbox();
    const call = sender(1);
    for (let i = 0; i < 100; i++) send(call, "y".repeat(998));
    expect(one.writes).toBe(5);
    for (let i = 0; i < 10; i++) send(call, "y".repeat(998));
    expect(messagesOf(one.frames(), 1)).toHaveLength(110);
  });

  test("a call that is dropped in between shares nothing with the next of its number", () => {
    const { one, send } = outbox();
    const [first, second] = [sender(1), sender(1)];
    send(first, 1);
    one.scheduler.drop(first);
    send(second, 2);
    expect(one.frames()).toEqual([
      { kind: "data", call: 1, messages: ["1"] },
      { kind: "data", call: 1, messages: ["2"] },
    ]);
  });
});

test("messages that shared a frame leave nothing of their call behind", async () => {
  const box = new Outbox();
  let call: ReturnType<typeof sender> | undefined = sender(1);
  const gone = new WeakRef(call);
  box.scheduler.sendNext(call, codec, 1, false);
  box.scheduler.drop(call);
  call = undefined;
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  await until(() => (gc(), gone.deref() === undefined), "it is collected");
  expect(messagesOf(box.frames(), 1)).toEqual(["1"]);
});

describe("streams over a connection", () => {
  test("arrive in order, in few frames", async () => {
    await using f = await fixture();
    f.link.record = true;
    const got: number[] = [];
    for await (const { i } of f.client.count({ n: 5_000, pad: 20 })) got.push(i);
    expect(got).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
    const { server } = f.link.connections[0]!;
    const data = decodeAll(Buffer.concat(server.written).subarray(8)).filter(({ kind }) => kind === "data");
    expect(messagesOf(data, 0)).toHaveLength(5_000);
    expect(data.some(({ messages }) => messages !== undefined)).toBe(true);
    expect(data.length).toBeLessThan(1_000);
  });

  test("a request that cannot be encoded ends its call behind those that were", async () => {
    await using f = await clientFixture({}, {});
    const call = f.client.drop([1, 2, 3n, 4]);
    expect(await failure(call)).toMatchObject({ code: "INTERNAL", processed: "unknown" });
    const server = await f.server();
    await server.heard("cancel");
    expect(server.messages(0)).toEqual(["1", "2"]);
    expect(kindsOf(server.frames).at(-1)).toBe("cancel");
  });

  test("a request that is too large for the server ends its call behind those that were", async () => {
    await using f = await clientFixture({}, { maxMessageBytes: 100 });
    const call = f.client.drop([1, 2, "x".repeat(100), 4]);
    expect(await failure(call)).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "unknown" });
    const server = await f.server();
    await server.heard("cancel");
    expect(server.messages(0)).toEqual(["1", "2"]);
  });

  test("a response that is too large for the client ends its call behind those that were", async () => {
    await using f = await fixture({ client: { limits: { maxMessageBytes: 100 } } });
    const got: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const line of f.client.talk([1, 2, "x".repeat(200), 4])) got.push(line);
    };
    expect(await failure(read())).toMatchObject({ code: "RESOURCE_EXHAUSTED", processed: "yes" });
    expect(got).toEqual([1, 2]);
    expect(await f.client.echo(1)).toBe(1);
    expect(f.link.connections).toHaveLength(1);
  });

  test("a handler that is stopped in the middle of its messages sends no more", async () => {
    await using f = await fixture();
    const peer = f.peer().greet();
    peer.send({
      kind: "bind",
      binding: 0,
      call: 1,
      codec: "json",
      method: "test.v1.Test/count",
      requestLayout: "",
      responseLayout: "",
    });
    await peer.heard("hello");
    peer.send({ kind: "start", call: 0, binding: 0, end: true, message: JSON.stringify({ n: 1e9 }) });
    await until(() => peer.messages(0).length > 100, "the stream flows");
    peer.send({ kind: "cancel", call: 0, code: 1 });
    expect(await peer.status(0)).toMatchObject({ code: 1 });
    expect(kindsOf(peer.frames).at(-1)).toBe("status");
    const all = peer.messages(0).map((message) => JSON.parse(message).i);
    expect(all).toEqual(Array.from({ length: all.length }, (_, i) => i));
  });
});
