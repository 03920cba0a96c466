import { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { type FixtureOptions, fixture } from "./rig/fixture.ts";
import { encode, type Frame, preface, withHeader } from "./rig/frame-text.ts";
import { clientHello, type RawPeer } from "./rig/raw-peer.ts";
import { turns, until } from "./rig/until.ts";

/** Methods of the test service, by binding. */
const bind = (binding: number, method: string, call = 0): Frame => ({
  kind: "bind",
  binding,
  call,
  codec: "json",
  method: `test.v1.Test/${method}`,
  requestLayout: "",
  responseLayout: "",
});
const binds = [
  bind(0, "echo"),
  bind(1, "hang"),
  bind(2, "count", 1),
  bind(3, "sum", 2),
  bind(4, "drop", 2),
  bind(5, "talk", 3),
];
const [echo, hang, count, sum, drop] = [0, 1, 2, 3, 4];
const start = (call: number, binding: number, message?: string, more: object = {}): Frame => ({
  kind: "start",
  call,
  binding,
  ...(message === undefined ? {} : { message, end: true }),
  ...more,
});
const resourceExhausted = 8;
const internal = 13;
const unavailable = 14;

/** A server with a peer that has said hello and bound everything, and a good client beside it. */
async function attacked(
  body: (peer: RawPeer, f: Awaited<ReturnType<typeof fixture>>) => Promise<void>,
  options?: FixtureOptions,
) {
  await using f = await fixture(options);
  const peer = f
    .peer()
    .greet()
    .send(...binds);
  await peer.heard("hello");
  await body(peer, f);
  // Whatever happened there, others are served.
  expect(await f.client.echo("still here")).toBe("still here");
}

/** The connection ends with INTERNAL and a text; a call that was open is settled. */
function endsTheConnection(name: string, frames: readonly Frame[] | Uint8Array, text: string): void {
  test(`${name}`, () =>
    attacked(async (peer, f) => {
      peer.send(start(0, hang, "1"));
      await until(() => f.hanging.size === 1, "the call runs");
      if (frames instanceof Uint8Array) peer.raw(frames);
      else peer.send(...frames);
      const goAway = await peer.ends();
      expect(goAway).toMatchObject({ code: internal, accepted: expect.any(Number) });
      expect(goAway.accepted).toBeGreaterThanOrEqual(1);
      expect(goAway.message).toContain(text);
      expect(f.hanging.size).toBe(0);
      expect(f.server.openCalls).toBe(0);
      expect(f.errors.map((error) => error.code)).toEqual(["INTERNAL"]);
    }));
}

/** The call ends with this status, and the connection goes on. */
function endsTheCall(name: string, frames: readonly Frame[], status: object, options?: FixtureOptions): void {
  test(`${name}`, () =>
    attacked(async (peer, f) => {
      peer.send(start(0, hang, "1"), ...frames);
      expect(await peer.status(1)).toMatchObject(status);
      peer.send(start(2, echo, '"next"'));
      expect(await peer.heard("data")).toMatchObject({ call: 2, message: '"next"' });
      expect(peer.closed).toBe(false);
      expect(f.server.openCalls).toBe(1);
    }, options));
}

describe("a client that breaks the protocol loses its connection", () => {
  endsTheConnection(
    "with a frame longer than the limit",
    withHeader(0x10, new Uint8Array(0)).with(2, 3),
    "longer than 131072",
  );
  endsTheConnection(
    "with a part longer than the limit",
    withHeader(0x11, new Uint8Array(0)).with(2, 5),
    "longer than 262160",
  );
  endsTheConnection(
    "with a message in a frame that only a part may have",
    encode({ kind: "data", call: 0, message: "x".repeat(200_000) }),
    "longer than 131072",
  );
  endsTheConnection("with an unknown kind below 0x80", [{ kind: "?", rawKind: 0x7f }], "0x7f");
  endsTheConnection(
    "with a frame for a call that never began",
    [{ kind: "data", call: 7, message: "1" }],
    "never began",
  );
  endsTheConnection("with a cancel of a call that never began", [{ kind: "cancel", call: 7, code: 1 }], "never began");
  endsTheConnection("with a start of a number in use", [start(0, echo, "1")], "open already");
  endsTheConnection("with a start of a number that skips one", [start(2, echo, "1")], "out of order");
  endsTheConnection("with a binding out of order", [bind(9, "echo")], "out of order");
  endsTheConnection("with a binding made twice", [bind(0, "echo")], "out of order");
  endsTheConnection("with a call of a method that is not bound", [start(1, 99, "1")], "not bound");
  endsTheConnection(
    "with a kind of call that does not exist",
    [{ ...bind(6, "echo"), call: 4 }],
    "unknown kind of call",
  );
  endsTheConnection("with a name beyond the limit", [bind(6, "x".repeat(2000))], "longer than 1024");
  endsTheConnection(
    "with a layout beyond the limit",
    [{ ...bind(6, "echo"), requestLayout: "00".repeat(65) }],
    "layout",
  );
  for (const late of [
    { kind: "data", call: 1, message: "2" },
    { kind: "data", call: 1, message: "2", end: true },
  ]) {
    const sent = JSON.stringify(late);
    endsTheConnection(`with ${sent} behind the end`, [start(1, hang, "1"), late], "behind the end");
    endsTheConnection(`with ${sent} behind an end`, [start(1, drop), { kind: "end", call: 1 }, late], "behind the end");
  }
  endsTheConnection("with a second hello", [clientHello], "second hello");
  for (const kind of ["header", "status", "bound"]) {
    const fields = { call: 0, metadata: [], code: 0, processed: "yes", message: "", binding: 0 };
    endsTheConnection(`with a server's frame: ${kind}`, [{ kind, ...fields } as Frame], "a client does not send");
  }
  endsTheConnection("with credit of zero", [{ kind: "credit", call: 0, bytes: 0 }], "credit of zero");
  endsTheConnection(
    "with credit of zero for the connection",
    [{ kind: "credit", call: "connection", bytes: 0 }],
    "credit of zero",
  );
  endsTheConnection("with credit that overflows", [{ kind: "credit", call: 0, bytes: 0x7fffffff }], "beyond");
  endsTheConnection(
    "with credit that overflows the connection",
    [{ kind: "credit", call: "connection", bytes: 0xffffffff }],
    "beyond",
  );
  endsTheConnection("with a ping that is not eight bytes", [{ kind: "ping", payload: "00" }], "eight bytes");
  endsTheConnection("with a frame that ends in a field", withHeader(0x10, Uint8Array.of(1, 0)), "middle of a field");
  endsTheConnection("with a varint that does not end", withHeader(0x02, new Uint8Array(9).fill(0xff)), "varint");
  endsTheConnection(
    "with a string that is not UTF-8",
    withHeader(0x02, Uint8Array.of(6, 0, 1, 0xff, 1, 0x61, 0, 0)),
    "not UTF-8",
  );
  endsTheConnection(
    "with a metadata key that is not UTF-8",
    withHeader(0x10, Uint8Array.of(1, 0, 0, 0, 0x22, 0, 4, 1, 0xff, 1, 0x61)),
    "not UTF-8",
  );
  endsTheConnection(
    "with a positional message that was not agreed",
    [start(1, echo, "[]", { positional: true })],
    "not agreed",
  );
  endsTheConnection(
    "with a part without a beginning",
    [start(1, sum), { kind: "data", call: 1, part: true, message: "1" }],
    "not begun",
  );
  endsTheConnection(
    "with an empty first part",
    [start(1, sum), { kind: "data", call: 1, size: 9, message: "" }],
    "empty part",
  );
  endsTheConnection(
    "with an empty later part",
    [
      start(1, sum),
      { kind: "data", call: 1, size: 9, message: "1" },
      { kind: "data", call: 1, part: true, message: "" },
    ],
    "empty part",
  );
  endsTheConnection(
    "with parts longer than their size",
    [
      start(1, sum),
      { kind: "data", call: 1, size: 3, message: "1" },
      { kind: "data", call: 1, part: true, message: "123" },
    ],
    "longer than its size",
  );
  endsTheConnection(
    "with a sized message that is whole",
    [start(1, sum), { kind: "data", call: 1, size: 1, message: "1" }],
    "fits its first part",
  );
  endsTheConnection(
    "with a message inside a message",
    [start(1, sum), { kind: "data", call: 1, size: 3, message: "1" }, { kind: "data", call: 1, message: "1" }],
    "inside another",
  );
  endsTheConnection(
    "with a sized message inside a message",
    [start(1, sum), { kind: "data", call: 1, size: 3, message: "1" }, { kind: "data", call: 1, size: 3, message: "1" }],
    "inside another",
  );
  endsTheConnection(
    "with the end in the middle of a message",
    [start(1, sum), { kind: "data", call: 1, size: 3, message: "1" }, { kind: "end", call: 1 }],
    "middle of a message",
  );
  endsTheConnection(
    "with the end flag in the middle of a message",
    [start(1, sum), { kind: "data", call: 1, size: 3, message: "1", end: true }],
    "middle of a message",
  );

  const several = (bytes: string, more: object = {}): Frame => ({
    kind: "data",
    call: 1,
    many: true,
    message: `hex:${bytes}`,
    ...more,
  });
  const doesNotFill = "do not fill their frame";
  for (const binding of [sum, echo]) {
    const on = binding === sum ? "a stream" : "a unary call";
    endsTheConnection(
      `with no message where several should be, on ${on}`,
      [start(1, binding), several("")],
      doesNotFill,
    );
    endsTheConnection(`with half a length among several, on ${on}`, [start(1, binding), several("01")], doesNotFill);
    endsTheConnection(
      `with half a length behind messages, on ${on}`,
      [start(1, binding), several("01003100")],
      doesNotFill,
    );
    endsTheConnection(
      `with messages that reach beyond their frame, on ${on}`,
      [start(1, binding), several("010031020032")],
      doesNotFill,
    );
  }
  endsTheConnection(
    "with an end and no message where several should be",
    [start(1, sum), several("", { end: true })],
    doesNotFill,
  );
  for (const [what, frame] of Object.entries({
    "a part": several("010031", { part: true }),
    "the first part": several("010031", { size: 10 }),
    "a part that is the last": several("010031", { part: true, end: true }),
  })) {
    endsTheConnection(`with several messages that are ${what}`, [start(1, sum), frame], "parts among several");
  }
  endsTheConnection(
    "with several messages inside a message",
    [start(1, sum), { kind: "data", call: 1, size: 3, message: "1" }, several("010031")],
    "inside another",
  );
  endsTheConnection(
    "with several messages behind the end",
    [start(1, hang, "1"), several("010031", { end: true })],
    "behind the end",
  );
  endsTheConnection(
    "with several messages behind an end among several",
    [start(1, drop), several("010031", { end: true }), several("010031")],
    "behind the end",
  );
  endsTheConnection(
    "with broken messages for a call that has ended",
    [start(1, echo, "{"), several("020031")],
    doesNotFill,
  );
  endsTheConnection(
    "with several positional messages that were not agreed",
    [start(1, sum), { kind: "data", call: 1, positional: true, messages: ["[]"] }],
    "not agreed",
  );

  test("with more messages in frames than the call's credit, when the handler does not read", () =>
    attacked(async (peer, f) => {
      peer.send(start(0, drop));
      // Each costs 17: what is paid is not the bytes alone.
      const messages = Array.from({ length: 4_096 }, () => "1");
      for (let i = 0; i < 5; i++) peer.send({ kind: "data", call: 0, messages });
      expect(await peer.ends()).toMatchObject({
        code: internal,
        message: expect.stringContaining("more than its credit"),
      });
      expect(f.server.openCalls).toBe(0);
    }));

  test("with more messages in one frame than the call's credit, also when they are its last", () =>
    attacked(async (peer) => {
      const messages = Array.from({ length: 65_533 }, () => "");
      peer.send(start(0, drop));
      peer.send({ kind: "data", call: 0, end: true, messages });
      expect(await peer.ends()).toMatchObject({ message: expect.stringContaining("more than its credit") });
    }));

  test("with more than the call's credit, when the handler does not read", () =>
    attacked(async (peer, f) => {
      peer.send(start(0, drop));
      const message = JSON.stringify("x".repeat(60_000));
      for (let i = 0; i < 5; i++) peer.send({ kind: "data", call: 0, message });
      expect(await peer.ends()).toMatchObject({
        code: internal,
        message: expect.stringContaining("more than its credit"),
      });
      expect(f.server.openCalls).toBe(0);
    }));
});

describe("a call that cannot be accepted ends alone", () => {
  const tooBig = { code: resourceExhausted, processed: "no" };
  endsTheCall("unknown method", [{ ...bind(6, "nothing") }, start(1, 6, "1")], {
    code: 12,
    processed: "no",
    message: expect.stringContaining("test.v1.Test/nothing"),
  });
  endsTheCall("unknown codec", [{ ...bind(6, "echo"), codec: "xml" }, start(1, 6, "1")], { code: 12, processed: "no" });
  endsTheCall("the kind of another contract", [{ ...bind(6, "echo"), call: 3 }, start(1, 6)], {
    code: 12,
    processed: "no",
  });
  endsTheCall("a message that is none", [start(1, echo, "{")], { code: internal, processed: "no" });
  endsTheCall("metadata too large", [start(1, echo, "1", { metadata: [["k", "x".repeat(17_000)]] })], tooBig);
  endsTheCall("metadata with a forbidden value", [start(1, echo, "1", { metadata: [["k", "caf\xe9"]] })], {
    code: internal,
    processed: "no",
  });
  endsTheCall("metadata with a forbidden key", [start(1, echo, "1", { metadata: [["k k", "v"]] })], {
    code: internal,
    processed: "no",
  });
  const small = { core: { limits: { maxMessageBytes: 1000 } } };
  endsTheCall(
    "a message beyond the limit in one frame",
    [start(1, echo, JSON.stringify("x".repeat(2000)))],
    tooBig,
    small,
  );
  endsTheCall(
    "a message beyond the limit in parts",
    [start(1, echo), { kind: "data", call: 1, size: 1001, message: "1" }],
    tooBig,
    small,
  );
  endsTheCall(
    "a message that promises 4 GiB",
    [
      start(1, echo),
      { kind: "data", call: 1, size: 0xffffffff, message: "1" },
      { kind: "data", call: 1, part: true, message: "23" },
    ],
    tooBig,
  );
  endsTheCall(
    "a bad message in a stream that its handler reads: processed",
    [start(1, sum), { kind: "data", call: 1, message: "1" }, { kind: "data", call: 1, message: "{" }],
    { code: internal, processed: "yes" },
  );
  endsTheCall(
    "one message too large among several",
    [
      start(1, sum),
      { kind: "data", call: 1, messages: ["1", "2", " ".repeat(1000) + "3", "4"] },
      { kind: "data", call: 1, end: true, messages: ["5"] },
    ],
    { ...tooBig, processed: "yes" },
    small,
  );
  endsTheCall(
    "one message too large among several, of a call that was not handled",
    [start(1, echo), { kind: "data", call: 1, end: true, messages: [" ".repeat(1000) + "3"] }],
    tooBig,
    small,
  );
  endsTheCall(
    "one message that is none among several",
    [start(1, sum), { kind: "data", call: 1, end: true, messages: ["1", "{", "2"] }],
    { code: internal, processed: "yes" },
  );
  endsTheCall(
    "two requests of a unary call in one frame",
    [start(1, echo), { kind: "data", call: 1, end: true, messages: ["1", "2"] }],
    { code: internal, processed: "no" },
  );
  endsTheCall(
    "two requests of a unary call",
    [start(1, echo, "1", { end: undefined }), { kind: "data", call: 1, message: "2", end: true }],
    { code: internal, processed: "no" },
  );
  endsTheCall("no request of a unary call", [start(1, echo), { kind: "end", call: 1 }], {
    code: internal,
    processed: "no",
  });

  test("a number at the server's limit is refused, with a time to wait, and nothing is kept of it", () =>
    attacked(
      async (peer, f) => {
        peer.send(start(0, hang, "1"), start(1, hang, "1"));
        peer.send(start(2, echo, "1"), start(77_777, echo, "1"), { kind: "end", call: 2 });
        for (const call of [2, 77_777]) {
          expect(await peer.status(call)).toMatchObject({
            code: resourceExhausted,
            processed: "no",
            retryAfterMs: 100,
          });
        }
        peer.send({ kind: "cancel", call: 1, code: 1 });
        expect(await peer.status(1)).toMatchObject({ code: 1 });
        peer.send(start(1, echo, '"room"'));
        expect(await peer.heard("data")).toMatchObject({ message: '"room"' });
        expect(f.server.openCalls).toBe(1);
      },
      { core: { limits: { maxCallsPerConnection: 2 } } },
    ));

  test("beyond the server's calls in all, with a time to wait", async () => {
    await using f = await fixture({ core: { limits: { maxCalls: 1 }, shedRetryAfterMs: 70 } });
    const peer = f
      .peer()
      .greet()
      .send(...binds, start(0, hang, "1"), start(1, echo, "1"));
    expect(await peer.status(1)).toMatchObject({ code: resourceExhausted, processed: "no", retryAfterMs: 70 });
    expect(f.handled).toBe(0);
  });
});

describe("messages that share a frame", () => {
  test("are as if each came by itself, mixed with those that do", () =>
    attacked(async (peer) => {
      peer.send(
        start(0, sum),
        { kind: "data", call: 0, messages: ["1"] },
        { kind: "data", call: 0, message: "20" },
        { kind: "data", call: 0, messages: ["300", "4000", "50000"] },
        { kind: "data", call: 0, size: 7, message: "6" },
        { kind: "data", call: 0, part: true, message: "00000 " },
        { kind: "data", call: 0, end: true, messages: ["7000000", "80000000"] },
      );
      expect(await peer.heard("data")).toMatchObject({ call: 0, end: true, message: "87654321" });
    }));

  test("may be as long as their lengths can say, and the frame full", () =>
    attacked(async (peer) => {
      const longest = `${" ".repeat(65_534)}1`;
      peer.send(start(0, sum), { kind: "data", call: 0, messages: [longest, `${" ".repeat(65_525)}20`] });
      peer.send({ kind: "data", call: 0, end: true, messages: ["300"] });
      expect(await peer.heard("data")).toMatchObject({ message: "321" });
    }));

  test("one alone is the request of a unary call", () =>
    attacked(async (peer) => {
      peer.send(start(0, echo), { kind: "data", call: 0, end: true, messages: ["1"] });
      expect(await peer.heard("data")).toMatchObject({ call: 0, message: "1" });
    }));

  test("are paid for also when their call has ended, and paid back", () =>
    attacked(async (peer) => {
      peer.send(start(0, drop), { kind: "cancel", call: 0, code: 1 });
      expect(await peer.status(0)).toMatchObject({ code: 1 });
      const messages = Array.from({ length: 1_000 }, () => "x".repeat(84));
      let paidBack = 0;
      const frame = encode({ kind: "data", call: 0, messages });
      for (let sent = 0; sent < 40; sent++) {
        peer.raw(frame);
        await turns(3);
      }
      for (const credit of peer.of("credit")) if (credit.call === "connection") paidBack += credit.bytes;
      // What was not given back yet is less than half of what there was at first.
      expect(paidBack).toBeGreaterThan(40 * 100_000 - 524_288);
      peer.send(start(0, echo, "1"));
      expect(await peer.heard("data")).toMatchObject({ message: "1" });
    }));
});

test("the layout of a message in parts is what its first part says", async () => {
  await using f = await fixture({ layout: Uint8Array.of(0xaa) });
  const peer = f
    .peer()
    .greet()
    .send({ ...bind(0, "echo"), requestLayout: "aa" });
  expect(await peer.heard("bound")).toMatchObject({ request: true });
  peer.send(
    start(0, 0),
    { kind: "data", call: 0, size: 7, positional: true, message: "[1," },
    { kind: "data", call: 0, part: true, end: true, message: '"x"]' },
    start(1, 0),
    { kind: "data", call: 1, size: 7, message: "[1," },
    { kind: "data", call: 1, part: true, end: true, positional: true, message: '"x"]' },
    start(2, 0),
    { kind: "data", call: 2, end: true, positional: true, messages: ['[1,"x"]'] },
  );
  await peer.heard("data", 3);
  const answers = [0, 1, 2].map((call) => peer.messages(call)[0]);
  expect(answers).toEqual(['{"positional":[1,"x"]}', '[1,"x"]', '{"positional":[1,"x"]}']);
});

describe("a message in parts whose frames come in pieces", () => {
  const text = JSON.stringify("0123456789".repeat(6));
  const frames = Buffer.concat(
    [
      start(0, echo),
      { kind: "data", call: 0, size: text.length, message: text.slice(0, 20) },
      { kind: "data", call: 0, part: true, message: text.slice(20, 21) },
      { kind: "data", call: 0, part: true, end: true, message: text.slice(21) },
    ].map(encode),
  );
  test("is the same wherever they are cut", () =>
    attacked(async (peer) => {
      for (let at = 1; at < frames.length; at++) {
        peer.raw(frames.subarray(0, at));
        await turns(2);
        peer.raw(frames.subarray(at));
        await peer.heard("data", at);
      }
      expect(new Set(peer.of("data").map(({ message }) => message))).toEqual(new Set([text]));
      for (const byte of frames) {
        peer.raw(Uint8Array.of(byte));
        await turns(1);
      }
      expect(await peer.heard("data", frames.length)).toMatchObject({ call: 0, end: true, message: text });
      expect(peer.of("status")).toEqual([]);
    }));

  test("is put together beside another, and small calls pass between", () =>
    attacked(async (peer) => {
      const [one, two] = ["a", "b"].map((letter) => JSON.stringify(letter.repeat(99_998)));
      const piece = (call: number, from: number, to: number): Frame => {
        const message = (call === 0 ? one : two)!.slice(from, to);
        const more = { part: true, end: to === 100_000 };
        return { kind: "data", call, message, ...(from === 0 ? { size: 100_000 } : more) };
      };
      const bytes = Buffer.concat(
        [
          start(0, echo),
          start(1, echo),
          piece(0, 0, 40_000),
          piece(1, 0, 10),
          piece(0, 40_000, 40_001),
          start(2, echo, "2"),
          piece(1, 10, 99_000),
          piece(1, 99_000, 100_000),
          start(1, echo, "3"),
          piece(0, 40_001, 100_000),
        ].map(encode),
      );
      // The number 1 is free only when its answer has been read; the first answers must have come by then.
      const again = bytes.indexOf(encode(start(1, echo, "3")));
      for (let at = 0; at < again; at += 1_777) peer.raw(bytes.subarray(at, Math.min(at + 1_777, again)));
      await until(() => peer.messages(1).length === 1, "the second is answered");
      for (let at = again; at < bytes.length; at += 1_777) peer.raw(bytes.subarray(at, at + 1_777));
      await until(() => peer.messages(0).length === 1, "the first is answered");
      expect(peer.messages(0)).toEqual([one]);
      expect(peer.messages(1)).toEqual([two, "3"]);
      expect(peer.messages(2)).toEqual(["2"]);
    }));

  test("of a call that is cancelled in its middle does no harm to the next", () =>
    attacked(async (peer) => {
      const frame = encode({ kind: "data", call: 0, size: 1_000, message: "x".repeat(900) });
      peer.send(start(0, echo)).raw(frame.subarray(0, 500));
      await turns();
      peer.raw(frame.subarray(500)).send({ kind: "cancel", call: 0, code: 1 });
      peer.send({ kind: "data", call: 0, part: true, message: "x".repeat(100) });
      expect(await peer.status(0)).toMatchObject({ code: 1 });
      peer.send(start(0, echo, "1"));
      expect(await peer.heard("data")).toMatchObject({ message: "1" });
    }));

  test("of a call that is over its limit is read over, piece by piece", () =>
    attacked(
      async (peer, f) => {
        const frame = encode({ kind: "data", call: 0, size: 300_000, message: "x".repeat(250_000) });
        peer.send(start(0, echo)).raw(frame.subarray(0, 50_000));
        expect(await peer.status(0)).toMatchObject({ code: resourceExhausted, processed: "no" });
        for (let at = 50_000; at < frame.length; at += 50_000) peer.raw(frame.subarray(at, at + 50_000));
        peer.send(start(0, echo, "1"));
        expect(await peer.heard("data")).toMatchObject({ message: "1" });
        expect(f.handled).toBe(1);
      },
      { core: { limits: { maxMessageBytes: 100_000 } } },
    ));

  test("is in no frame beyond its length, wherever that shows", () =>
    attacked(async (peer) => {
      const frame = encode({ kind: "data", call: 0, part: true, message: "x".repeat(900) });
      peer.send(start(0, echo), { kind: "data", call: 0, size: 1_000, message: "x".repeat(500) });
      for (let at = 0; at < frame.length; at += 100) peer.raw(frame.subarray(at, at + 100));
      expect(await peer.ends()).toMatchObject({
        code: internal,
        message: expect.stringContaining("longer than its size"),
      });
    }));
});

describe("what is not the protocol's business is skipped", () => {
  test("unknown kinds from 0x80 on", () =>
    attacked(async (peer) => {
      peer.send({ kind: "?", rawKind: 0x80, raw: "0102" }, { kind: "?", rawKind: 0xff }, start(0, echo, "1"));
      expect(await peer.heard("data")).toMatchObject({ call: 0, message: "1", end: true });
    }));

  test("frames for a call that has ended", () =>
    attacked(async (peer) => {
      peer.send(start(0, echo, "1"));
      await peer.heard("data");
      peer.send(
        { kind: "data", call: 0, message: "2" },
        { kind: "end", call: 0 },
        { kind: "cancel", call: 0, code: 1 },
      );
      peer.send({ kind: "credit", call: 0, bytes: 5 }, start(0, echo, "3"));
      expect(await peer.heard("data", 2)).toMatchObject({ message: "3" });
      expect(peer.of("status")).toEqual([]);
    }));
});

describe("a handshake that is none", () => {
  const strangers: Record<string, string | Uint8Array> = {
    "HTTP/1.1": Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "HTTP/2": Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a TLS ClientHello": "16030100c8010000c40303",
    "another version of the framing": "46415243414c4c02",
    zeros: new Uint8Array(100),
  };
  for (const [name, bytes] of Object.entries(strangers)) {
    test(`${name} is named and turned away`, async () => {
      await using f = await fixture();
      const peer = f.peer().raw(bytes);
      expect(await peer.ends()).toMatchObject({
        code: unavailable,
        accepted: 0,
        message: expect.stringContaining("does not speak Farcall"),
      });
      expect(f.errors).toHaveLength(1);
      expect(await f.client.echo(1)).toBe(1);
    });
  }

  const hellos: Record<string, [object, string]> = {
    "a version to come": [{ lowestVersion: 2, highestVersion: 3 }, "versions 2 to 3"],
    "a huge list": [{ codecs: Array.from({ length: 65 }, () => "c") }, "longer than 64"],
    "less credit than the least": [{ callCredit: 100 }, "less credit"],
    "less credit for the connection than the least": [{ connectionCredit: 1000 }, "less credit"],
    "more credit than the most": [{ callCredit: 0x80000000 }, "more credit"],
    "metadata too large": [{ metadata: [["k", "x".repeat(17_000)]] }, "larger than the limit"],
    "forbidden metadata": [{ metadata: [["k\n", "x"]] }, "characters"],
  };
  for (const [name, [change, text]] of Object.entries(hellos)) {
    test(`a hello with ${name} is turned away`, async () => {
      await using f = await fixture();
      const peer = f.peer().greet({ ...clientHello, ...change });
      expect(await peer.ends()).toMatchObject({
        code: unavailable,
        accepted: 0,
        message: expect.stringContaining(text),
      });
    });
  }

  test("a hello of a later version is read, what it adds is ignored", async () => {
    await using f = await fixture();
    const hello = encode({ ...clientHello, highestVersion: 9, capabilities: 0xffffffff });
    const longer = withHeader(1, Uint8Array.from([...hello.subarray(4), 1, 2, 3]));
    const peer = f
      .peer()
      .raw(preface)
      .raw(longer)
      .send(...binds, start(0, echo, "1"));
    expect(await peer.heard("data")).toMatchObject({ message: "1" });
  });

  test("a frame before the hello", async () => {
    await using f = await fixture();
    const peer = f.peer().raw(preface).send(bind(0, "echo"));
    expect(await peer.ends()).toMatchObject({ message: expect.stringContaining("before the hello") });
  });

  test("a call before the server's hello", async () => {
    let letIn = (): void => {};
    await using f = await fixture({ server: { onHandshake: () => new Promise((resolve) => (letIn = resolve)) } });
    const peer = f
      .peer()
      .greet()
      .send(bind(0, "echo"), start(0, echo, "1"));
    expect(await peer.ends()).toMatchObject({
      code: internal,
      message: expect.stringContaining("before the server's hello"),
    });
    letIn();
  });

  for (const [name, bytes] of Object.entries({ silence: "", "half a preface": "464152", "a preface alone": preface })) {
    test(`${name} ends with the handshake's time`, async () => {
      await using f = await fixture({ core: { limits: { handshakeTimeoutMs: 30 } } });
      const peer = f.peer().raw(bytes);
      expect(await peer.ends()).toMatchObject({
        code: unavailable,
        message: expect.stringContaining("no handshake within 30 ms"),
      });
      expect(f.errors).toEqual([]);
    });
  }

  test("a hook that never answers ends with the handshake's time", async () => {
    await using f = await fixture({
      core: { limits: { handshakeTimeoutMs: 30 } },
      server: { onHandshake: () => new Promise(() => {}) },
    });
    const peer = f.peer().greet();
    expect(await peer.ends()).toMatchObject({ code: unavailable });
  });

  test("a connection beyond the limit is turned away before any hello", async () => {
    await using f = await fixture({ core: { limits: { maxConnections: 2 } } });
    const peers = [f.peer().greet(), f.peer().greet()];
    for (const peer of peers) await peer.heard("hello");
    const third = f.peer().greet();
    expect(await third.ends()).toMatchObject({ code: resourceExhausted, accepted: 0 });
    expect(third.of("hello")).toEqual([]);
    peers[0]?.connection.destroy();
    await until(() => peers[0]?.closed === true, "the first leaves");
    await turns();
    expect(await f.client.echo(1)).toBe(1);
  });
});

describe("floods", () => {
  test("pings beyond their pace end the connection", () =>
    attacked(async (peer) => {
      const ping: Frame = { kind: "ping", payload: "0011223344556677" };
      peer.send(...Array.from({ length: 20 }, () => ping));
      expect(await peer.ends()).toMatchObject({
        code: resourceExhausted,
        message: expect.stringContaining("pings more often"),
      });
      expect(peer.of("pong").length).toBeLessThanOrEqual(4);
      expect(peer.of("pong")[0]).toMatchObject({ payload: "0011223344556677" });
    }));

  test("a peer that asks and never reads is not read any more, and is found out", async () => {
    await using f = await fixture({
      pair: { bufferBytes: 64 * 1024 },
      server: { keepAlive: { idleMs: 60_000, timeoutMs: 50 } },
      core: { limits: { maxMessageBytes: 1000 } },
    });
    const peer = f
      .peer()
      .greet()
      .send(...binds, bind(6, "nothing"));
    await peer.heard("hello");
    const ends = f.link.connections[0]!;
    ends.client.pause();
    const asked = Buffer.concat(Array.from({ length: 200 }, () => encode(start(0, 6, "1"))));
    let sent = 0;
    for (; !peer.closed && sent < 50_000_000 && !ends.server.paused; sent += asked.length) {
      peer.raw(asked);
      await turns(2);
    }
    expect(ends.server.paused).toBe(true);
    const before = ends.client.unread;
    for (let i = 0; i < 20; i++) peer.raw(asked);
    expect(ends.client.unread).toBe(before);
    await until(() => peer.closed, "keep-alive ends it, though no call is open");
    expect(await f.client.echo(1)).toBe(1);
  });

  test("a reader that never reads a stream is sent its credit and no more", () =>
    attacked(async (peer, f) => {
      peer.send(start(0, count, JSON.stringify({ n: 1e9, pad: 1000 })));
      await until(() => peer.receivedBytes > 200_000, "the stream flows");
      await turns(100);
      expect(peer.receivedBytes).toBeLessThan(300_000);
      peer.send(start(1, echo, "1"));
      await until(() => peer.of("data").some((frame) => frame.call === 1), "another call of the connection is served");
      peer.send({ kind: "cancel", call: 0, code: 1 });
      expect(await peer.status(0)).toMatchObject({ code: 1 });
      expect(f.server.openCalls).toBe(0);
    }));

  test("ten thousand calls, opened and cancelled at once, among normal ones", () =>
    attacked(async (peer, f) => {
      const frames: Frame[] = [];
      for (let call = 0; call < 9_999; call++) {
        frames.push(start(call, hang, "1"));
        if (call % 3 !== 0) frames.push({ kind: "cancel", call, code: 1 });
      }
      peer.send(...frames);
      for (let i = 0; i < 20; i++) expect(await f.client.echo(i)).toBe(i);
      peer.send(...Array.from({ length: 3_333 }, (_, i): Frame => ({ kind: "cancel", call: i * 3, code: 4 })));
      await until(() => peer.receivedBytes > 0 && f.server.openCalls === 0, "all have ended");
      await peer.heard("status", 9_999);
      peer.send(...Array.from({ length: 9_999 }, (_, i) => start(9_998 - i, echo, "1")));
      await peer.heard("data", 9_999);
      expect(peer.of("data")).toHaveLength(9_999);
    }));
});

describe("a peer that goes away in the middle", () => {
  const middles: Record<string, readonly Frame[] | Uint8Array> = {
    "a frame": encode(start(0, echo, "1")).subarray(0, 7),
    "a message of a unary call": [start(0, echo), { kind: "data", call: 0, size: 100, message: "1" }],
    "a unary call": [start(0, hang, "1")],
    "a stream of responses": [start(0, count, JSON.stringify({ n: 1e9, pad: 1000 }))],
    "a frame with a part": encode({ kind: "data", call: 0, size: 100_000, message: "x".repeat(90_000) }).subarray(
      0,
      40_000,
    ),
    "a stream of requests": [start(0, drop), { kind: "data", call: 0, size: 100, message: "1" }],
    "a conversation": [start(0, 5), { kind: "data", call: 0, message: "1" }],
  };
  for (const [name, frames] of Object.entries(middles)) {
    for (const way of ["closes", "breaks"]) {
      test(`${way} in ${name}`, () =>
        attacked(async (peer, f) => {
          if (name === "a frame with a part") peer.send(start(0, drop));
          if (frames instanceof Uint8Array) peer.raw(frames);
          else peer.send(...frames);
          if (name === "a frame") await turns();
          else await until(() => f.server.openCalls === 1, "the call runs");
          if (way === "closes") peer.connection.close();
          else peer.connection.destroy(new Error("cable"));
          await until(() => f.server.openCalls === 0 && f.hanging.size === 0, "the call is settled");
          expect(f.errors).toEqual([]);
        }));
    }
  }
});

describe("the handshake hook", () => {
  test("refuses with a code that the client sees, at once or later", async () => {
    for (const refuse of [
      () => {
        throw new RpcError("UNAUTHENTICATED", "no token");
      },
      () => Promise.reject(new RpcError("UNAUTHENTICATED", "no token")),
    ]) {
      await using f = await fixture({ server: { onHandshake: refuse } });
      const error = await f.client.echo(1).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: "UNAUTHENTICATED",
        processed: "no",
        message: expect.stringContaining("no token"),
      });
    }
  });

  test("says nothing of an error that was not meant for the client", async () => {
    await using f = await fixture({
      server: {
        onHandshake: () => {
          throw new TypeError("secret");
        },
      },
    });
    const error = await f.client.echo(1).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "UNKNOWN", processed: "no" });
    expect(String(error)).not.toContain("secret");
  });

  test("sees what the client says of itself", async () => {
    const seen: unknown[] = [];
    await using f = await fixture({
      client: { handshake: async () => ({ token: "abc" }) },
      server: { onHandshake: (peer) => void seen.push(peer.handshake.get("token"), peer.address) },
    });
    expect(await f.client.echo(1)).toBe(1);
    expect(seen).toEqual(["abc", "pair"]);
  });
});

test("idle connections of clients that vanished are given up", async () => {
  await using f = await fixture({ server: { keepAlive: { timeoutMs: 20, idlePingMs: 30 } } });
  const deaf = f.peer().greet();
  await deaf.heard("ping");
  await until(() => deaf.closed, "it is given up");
});

test("nothing is bound for a client that the hook has not let in", async () => {
  await using f = await fixture({ server: { onHandshake: () => new Promise(() => {}) } });
  const goAway = await f.peer().greet().send(bind(0, "echo")).ends();
  expect(goAway).toMatchObject({ code: internal, message: expect.stringContaining("a binding before") });
});

test("the first refused bindings are explained, and all of them refuse", () =>
  attacked(async (peer) => {
    peer.send(...Array.from({ length: 100 }, (_, i) => bind(binds.length + i, `nothing${i}`)));
    peer.send(start(0, binds.length, "1"), start(1, binds.length + 99, "1"));
    expect(await peer.status(1)).toMatchObject({ code: 12, processed: "no", message: "no such method or codec" });
    expect(peer.statuses(0)[0]).toMatchObject({ code: 12, message: expect.stringContaining("nothing0") });
  }));
