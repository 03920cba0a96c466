import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Metadata } from "@farcall/core";
import { ByteWriter } from "@farcall/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Backoff } from "../src/backoff.ts";
import { ByteReader, MetadataError } from "../src/byte-reader.ts";
import { writeMetadata, metadataBytes, metadataCost, writeString, writeVarint } from "../src/field-writer.ts";
import { addCredit, ReceiveWindow } from "../src/flow-window.ts";
import { FrameDecoder } from "../src/frame-decoder.ts";
import { DataFlag, maxCredit, preface } from "../src/frame.ts";
import { KeepAlive } from "../src/keep-alive.ts";
import { Reassembly } from "../src/reassembly.ts";
import { SendScheduler } from "../src/send-scheduler.ts";
import { WriteQueue } from "../src/write-queue.ts";
import { fixture } from "./rig/fixture.ts";
import { decodeAll, encode, withHeader } from "./rig/frame-text.ts";
import { pair } from "./rig/pair.ts";
import { randomFrom, until } from "./rig/until.ts";

describe("frame decoder", () => {
  const frames = [
    withHeader(0x10, Uint8Array.of()),
    withHeader(0x81, Uint8Array.of(1, 2, 3)),
    encode({ kind: "data", call: 3, message: "m".repeat(300) }),
    encode({ kind: "data", call: 7, size: 70, positional: true, message: "a".repeat(30) }),
    encode({ kind: "data", call: 3, end: true, messages: ["1", "", "x".repeat(50)] }),
    encode({ kind: "data", call: 7, part: true, message: "b" }),
    encode({ kind: "data", call: 7, part: true, end: true, message: "c".repeat(39) }),
    withHeader(0x12, Uint8Array.of(9, 9, 9, 9)),
  ];
  const bytes = Buffer.concat([preface, ...frames]);
  /** What a receiver is told, with the pieces of parts joined: how they were cut must make no difference. */
  const decoded = (chunks: Uint8Array[]): string[] => {
    const seen: string[] = [];
    const part = (call: number, flags: number, all: Uint8Array, start: number, end: number): void => {
      expect(end).toBeGreaterThan(start);
      const from = (flags & DataFlag.sized) !== 0 ? start + 4 : start;
      const text = Buffer.from(all.subarray(from, end)).toString();
      if (from > start) seen.push(`begin ${call} ${flags & DataFlag.positional} ${all[start]}`, `${call} ${text}`);
      else seen.push(`${seen.pop()!}${text}`);
      if ((flags & DataFlag.end) !== 0) seen.push(`end ${call}`);
    };
    const decoder = new FrameDecoder({
      frame(kind, all, start, end) {
        const flags = all[start + 4] as number;
        const isPart = kind === 0x11 && (flags & (DataFlag.sized | DataFlag.part)) !== 0;
        if (isPart) return part(all[start] as number, flags, all, start + 5, end);
        seen.push(`${kind} ${Buffer.from(all.subarray(start, end)).toString("hex")}`);
      },
      part,
    });
    for (const chunk of chunks) decoder.push(Uint8Array.from(chunk));
    expect(decoder.midFrame).toBe(false);
    return seen;
  };
  const whole = decoded([bytes]);

  test("cut in two at every byte", () => {
    for (let at = 0; at <= bytes.length; at++)
      expect(decoded([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  });

  test("cut in three at every two bytes of the beginning, and of the parts", () => {
    const partsAt = bytes.indexOf(frames[3]!);
    expect(bytes.length).toBeGreaterThan(partsAt + 80);
    for (const [from, to] of [
      [0, 40],
      [partsAt, partsAt + 80],
      [bytes.length - 80, bytes.length],
    ] as const)
      for (let i = from; i < to; i++) {
        for (let j = i; j < to; j++) {
          expect(decoded([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)])).toEqual(whole);
        }
      }
  });

  test("byte by byte", () => {
    expect(decoded(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("after stop nothing is handed on, also in the middle of a chunk", () => {
    let count = 0;
    const stop = (): void => {
      count++;
      decoder.stop();
    };
    const decoder = new FrameDecoder({ frame: stop, part: stop });
    decoder.push(bytes);
    decoder.push(frames[0]!);
    expect(count).toBe(1);
  });

  test("after stop in a piece, the rest of the frame is not handed on either", () => {
    let pieces = 0;
    const decoder = new FrameDecoder({
      frame: () => pieces++,
      part() {
        if (++pieces === 2) decoder.stop();
      },
    });
    decoder.push(preface);
    const frame = encode({ kind: "data", call: 0, size: 1000, message: "x".repeat(500) });
    for (let at = 0; at < frame.length; at += 100) decoder.push(frame.slice(at, at + 100));
    decoder.push(frames[0]!);
    expect(pieces).toBe(2);
  });

  const none = { frame: () => {}, part: () => {} };
  for (const [kind, length, most] of [
    [0x10, 131_073, 131_072],
    [0x81, 131_073, 131_072],
    [0x11, 262_161, 262_160],
  ] as const) {
    test(`a length beyond ${most} of kind ${kind} is noticed with the header`, () => {
      const decoder = new FrameDecoder(none);
      decoder.push(preface);
      decoder.push(Uint8Array.of(length & 0xff, length >> 8));
      expect(() => decoder.push(Uint8Array.of(length >> 16, kind))).toThrow(`${length} bytes is longer than ${most}`);
    });
  }

  test("only a part may be longer than other frames, however it is cut", () => {
    const long = (flags: number): Buffer => {
      const fields = new Uint8Array(200_000);
      fields[4] = flags;
      fields[7] = 0xff;
      return Buffer.concat([preface, withHeader(0x11, fields)]);
    };
    for (const cuts of [[], [12], [13], [17], [21], [22], [100], [10, 14, 30], [199_999], [12, 199_999]]) {
      const chunks = (whole: Buffer): Uint8Array[] =>
        [...cuts, whole.length].map((to, i) => Uint8Array.from(whole.subarray(i === 0 ? 0 : cuts[i - 1], to)));
      for (const flags of [0, DataFlag.end, DataFlag.many, DataFlag.positional]) {
        const decoder = new FrameDecoder(none);
        expect(() => chunks(long(flags)).forEach((chunk) => decoder.push(chunk)), `${flags} at ${cuts.join()}`).toThrow(
          "200000 bytes is longer than 131072",
        );
      }
      for (const flags of [DataFlag.sized, DataFlag.part]) {
        let arrived = 0;
        const decoder = new FrameDecoder({
          frame: (_, _bytes, start, end) => (arrived += end - start - 5),
          part: (_, _flags, _bytes, start, end) => (arrived += end - start),
        });
        for (const chunk of chunks(long(flags))) decoder.push(chunk);
        expect(arrived, `${flags} at ${cuts.join()}`).toBe(199_995);
      }
    }
  });

  test("a sized message that is whole in its frame is none, also when the frame comes in pieces", () => {
    const frame = encode({ kind: "data", call: 0, size: 40, message: "x".repeat(40) });
    // Whole, it is for the call to see.
    for (let at = 14; at < frame.length; at++) {
      const decoder = new FrameDecoder(none);
      decoder.push(preface);
      const push = (): void => [frame.slice(0, at), frame.slice(at)].forEach((chunk) => decoder.push(chunk));
      expect(push, `cut at ${at}`).toThrow("fits its first part");
    }
  });

  test("hands parts on as they arrive, and keeps nothing of them", () => {
    const sizes: number[] = [];
    const decoder = new FrameDecoder({
      frame: () => {},
      part: (_, _flags, _bytes, start, end) => void sizes.push(end - start),
    });
    decoder.push(preface);
    const frame = withHeader(0x11, new Uint8Array(262_160).fill(DataFlag.part));
    for (let at = 0; at < frame.length; at += 50_000) decoder.push(frame.slice(at, at + 50_000));
    expect(sizes).toEqual([49_991, 50_000, 50_000, 50_000, 50_000, 12_164]);
  });
});

describe("byte reader", () => {
  const read = (...bytes: number[]): ByteReader => new ByteReader(Uint8Array.of(9, ...bytes, 9), 1, bytes.length + 1);

  test("never reads beyond its frame", () => {
    expect(() => read().u8()).toThrow("middle of a field");
    expect(() => read(1, 2, 3).u32()).toThrow("middle of a field");
    expect(() => read(0x80).varint()).toThrow("middle of a field");
    expect(() => read(3, 65, 66).string()).toThrow("middle of a field");
    expect(() => read(0xff, 0xff, 0xff, 0xff, 0x0f, 65).string()).toThrow("middle of a field");
    expect(() => read(2, 1, 65).strings(2)).toThrow("middle of a field");
    expect(() => read(5, 1, 107).metadata(100)).toThrow("middle of a field");
    expect(() => read(3, 9, 107, 1, 1, 1).metadata(100)).toThrow("middle of a field");
  });

  test("varints round-trip up to 32 bits, and no further", () => {
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 32 - 1]) {
      const writer = new ByteWriter(1);
      writeVarint(writer, value);
      expect(new ByteReader(writer.buffer, 0, writer.position).varint()).toBe(value);
    }
    expect(() => read(0xff, 0xff, 0xff, 0xff, 0x1f).varint()).toThrow("32 bits");
    expect(() => read(0x80, 0x80, 0x80, 0x80, 0x80, 0).varint()).toThrow("32 bits");
  });

  test("strings and metadata round-trip, and metadata weighs what it says", () => {
    const metadata = new Metadata({ a: ["1", "2"], "b-bin": Uint8Array.of(0, 255), c: "" });
    const writer = new ByteWriter(1);
    writeString(writer, "\uFEFFgrün");
    writeMetadata(writer, metadata);
    const reader = new ByteReader(writer.buffer, 0, writer.position);
    expect(reader.string()).toBe("\uFEFFgrün");
    const weight = reader.left - 1;
    expect(reader.metadata(200).toJSON()).toEqual(metadata.toJSON());
    expect(metadataBytes(metadata)).toBe(weight);
    expect(reader.left).toBe(0);
  });

  test("each entry of metadata costs 32 bytes beside its own, at both ends", () => {
    const entry = [1, 107, 0];
    expect(metadataCost(new Metadata({ k: ["", ""] }))).toBe(70);
    expect(read(6, ...entry, ...entry).metadata(70).size).toBe(2);
    const many = read(6, ...entry, ...entry, 42);
    expect(() => many.metadata(69)).toThrow("many entries");
    expect(many.u8()).toBe(42);
  });

  test("metadata that is not accepted is read over", () => {
    const tooLarge = read(3, 1, 107, 0, 42);
    expect(() => tooLarge.metadata(2)).toThrow(MetadataError);
    expect(tooLarge.u8()).toBe(42);
    const forbidden = read(4, 1, 107, 1, 10, 42);
    expect(() => forbidden.metadata(100)).toThrow(MetadataError);
    expect(forbidden.u8()).toBe(42);
  });
});

describe("credit", () => {
  test("a window is never negative, and never above what it may be", () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed);
    const window = new ReceiveWindow(1000, 8000, { ms: 5 });
    let credit = 1000;
    let unread = 0;
    for (let i = 0; i < 20_000; i++) {
      if (random() < 0.5) {
        const bytes = Math.min(credit, Math.floor(random() * 300));
        window.receive(bytes);
        credit -= bytes;
        unread += bytes;
      } else {
        const bytes = Math.floor(random() * (unread + 1));
        unread -= bytes;
        credit += window.consume(bytes);
      }
      expect(credit + unread, `seed ${seed}`).toBeLessThanOrEqual(8000);
    }
    expect(window.sizeBytes).toBe(8000);
    expect(() => window.receive(credit + 1)).toThrow("more than its credit");
  });

  test("a window does not grow while its round trip is unknown, or its half lasts longer than two", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const roundTrip: { ms: number | undefined } = { ms: undefined };
    const window = new ReceiveWindow(1000, 8000, roundTrip);
    const half = (): number => {
      window.receive(500);
      return window.consume(500);
    };
    expect([half(), half()]).toEqual([500, 500]);
    roundTrip.ms = 10;
    vi.advanceTimersByTime(21);
    expect(half()).toBe(500);
    vi.advanceTimersByTime(19);
    expect(half()).toBe(1500);
    expect(window.sizeBytes).toBe(2000);
    vi.useRealTimers();
  });

  test("credit given ahead for a message is not given twice", () => {
    const window = new ReceiveWindow(1000, 1000, { ms: undefined });
    window.receive(900);
    expect(window.expect(50)).toBe(0);
    expect(window.expect(5000)).toBe(4900);
    window.receive(5000);
    expect(window.consume(5900)).toBe(1000);
    window.receive(1000);
    expect(() => window.receive(1)).toThrow("credit");
  });

  test("bytes that nobody holds back pass in one step, and are counted as in two", () => {
    const passing = new ReceiveWindow(1000, 1000, { ms: undefined });
    const both = new ReceiveWindow(1000, 1000, { ms: undefined });
    for (const bytes of [10, 489, 1, 499, 1, 500, 600]) {
      both.receive(bytes);
      expect(passing.pass(bytes)).toBe(both.consume(bytes));
    }
    expect(() => passing.pass(1001)).toThrow("credit");
  });

  test("credit is more than nothing and less than the most", () => {
    expect(addCredit(5, 6)).toBe(11);
    expect(() => addCredit(5, 0)).toThrow("zero");
    expect(() => addCredit(maxCredit, 1)).toThrow("most");
  });
});

describe("write queue", () => {
  test("calls of one turn leave in one write; of many, the first leave before the last are there", async () => {
    await using f = await fixture();
    await f.client.echo(0);
    const { client, server } = f.link.connections[0]!;
    const writes = async (calls: number): Promise<number[]> => {
      const before = [client.writes, server.writes];
      await Promise.all(Array.from({ length: calls }, (_, i) => f.client.echo(i)));
      return [client.writes - before[0]!, server.writes - before[1]!];
    };
    expect(await writes(39)).toEqual([1, 1]);
    // The client's 40, 256, 256 and 88; each of them is a turn of the server's, which answers in 40 and the rest.
    expect(await writes(640)).toEqual([4, 7]);
  });

  test("what has gathered in a turn leaves after 40 frames, then after each 256 or 16 KiB, and not before", async () => {
    const written: number[] = [];
    const queue = new WriteQueue(
      { write: (chunk: Uint8Array) => (written.push(chunk.length), true), close: () => {} } as never,
      () => {},
    );
    const frame = (size: number): void => {
      const start = queue.begin(0x80);
      queue.write(new Uint8Array(size));
      queue.finish(start);
    };
    for (let i = 0; i < 39; i++) frame(1);
    expect(written).toEqual([]);
    frame(1);
    expect(written).toEqual([40 * 5]);
    for (let i = 0; i < 255; i++) frame(1);
    expect(written).toHaveLength(1);
    frame(1);
    expect(written).toEqual([40 * 5, 256 * 5]);
    for (let i = 0; i < 3; i++) frame(5_000);
    expect(written).toHaveLength(2);
    frame(5_000);
    expect(written.slice(2)).toEqual([4 * 5_004]);
    expect(queue.flushes).toBe(3);
    await new Promise(setImmediate);
    for (let i = 0; i < 40; i++) frame(1);
    expect(written.slice(3)).toEqual([40 * 5]);
  });

  test("while the connection is busy the next write gathers; a large message takes its buffer along", async () => {
    const written: number[] = [];
    let answer = false;
    const queue = new WriteQueue(
      { write: (chunk: Uint8Array) => (written.push(chunk.length), answer), close: () => {} } as never,
      () => {},
    );
    const frame = (size: number): void => {
      const start = queue.begin(0x80);
      queue.write(new Uint8Array(size));
      queue.finish(start);
    };
    frame(6);
    queue.flush();
    expect([written, queue.idle, queue.hasRoom]).toEqual([[10], false, false]);
    for (let i = 0; i < 5; i++) frame(60_000);
    expect(written).toEqual([10]);
    expect(queue.congested).toBe(true);
    answer = true;
    queue.drained();
    expect([written, queue.idle]).toEqual([[10, 300_020], true]);
    const start = queue.begin(0x80);
    const at = queue.writer.position;
    queue.write(new Uint8Array(100_000).fill(5));
    const taken = queue.takeFrom(at);
    queue.finish(start);
    expect([taken.length, taken[99_999], queue.writer.position]).toEqual([100_000, 5, 4]);
    const small = queue.begin(0x80);
    queue.write(Uint8Array.of(1, 2));
    expect([...queue.takeFrom(small + 4)]).toEqual([1, 2]);
    queue.abandon(small);
    queue.flush();
    expect(written.at(-1)).toBe(4);
  });

  test("a connection that has nothing to say keeps no buffer", () => {
    let answer = true;
    const queue = new WriteQueue({ write: () => answer, close: () => {} } as never, () => {});
    for (answer of [true, false]) {
      const start = queue.begin(0x80);
      queue.write(new Uint8Array(5_000));
      queue.finish(start);
      expect(queue.writer.buffer.length).toBeGreaterThan(5_000);
      queue.flush();
      expect(queue.writer.buffer.length).toBe(0);
    }
  });

  test("closing waits for what was written", () => {
    const { client, server } = pair();
    const queue = new WriteQueue(client, () => {});
    const start = queue.begin(0x80);
    queue.finish(start);
    queue.closeAfterFlush();
    expect(server.unread).toBe(4);
    expect(client.state).toBe("closed");
  });
});

describe("send scheduler", () => {
  const sender = (id: number, sendCredit: number) => ({
    id,
    sendCredit,
    waiting: undefined,
    over: false,
    sendingCaughtUp() {},
  });
  const recorded = () => {
    const written: Uint8Array[] = [];
    const write = (chunk: Uint8Array): boolean => (written.push(Uint8Array.from(chunk)), true);
    const queue = new WriteQueue({ write, close: () => {} } as never, () => {});
    const scheduler = new SendScheduler(queue);
    /** Call and length of every frame with a message since the last time. */
    const frames = (): [number, number][] => {
      for (let i = 0; i < 50; i++) {
        queue.flush();
        scheduler.run();
      }
      const all = decodeAll(Buffer.concat(written.splice(0))) as any[];
      return all.map(({ call, message }) => [call, message.length]);
    };
    return { scheduler, frames };
  };
  const text = (length: number): Uint8Array => new Uint8Array(length).fill(0x78);

  test("calls take turns, a frame each, and stop where their credit does", () => {
    const { scheduler, frames } = recorded();
    const [one, two] = [sender(1, 150_000), sender(2, 1_000_000)];
    // Both wait for the connection.
    scheduler.wait(sender(9, 10_000_000), text(1024 * 1024 - 32), 0);
    frames();
    scheduler.wait(one, text(200_000), 0);
    scheduler.wait(two, text(150_000), 0);
    expect(frames()).toEqual([]);
    scheduler.creditConnection(1_000_000);
    expect(frames()).toEqual([
      [1, 65_536],
      [2, 65_536],
      [1, 65_536],
      [2, 65_536],
      [1, 18_912],
      [2, 18_928],
    ]);
    expect(one.sendCredit).toBe(0);
    scheduler.creditCall(one, 100_000);
    expect(frames()).toEqual([[1, 50_016]]);
    expect(one.waiting).toBe(undefined);
    scheduler.drop(two);
    expect(() => scheduler.creditCall(two, 0)).toThrow("zero");
  });

  test("the last bytes of a message need no more credit than they are", () => {
    const { scheduler, frames } = recorded();
    const one = sender(1, 1_016);
    scheduler.wait(one, text(1_010), 0);
    expect(frames()).toEqual([[1, 1_000]]);
    scheduler.creditCall(one, 10);
    expect(frames()).toEqual([[1, 10]]);
    expect(one.waiting).toBe(undefined);
  });

  test("parts are long while no other call sends, and short as soon as one does", () => {
    const { scheduler, frames } = recorded();
    const [one, two] = [sender(1, 10_000_000), sender(2, 10_000_000)];
    scheduler.creditConnection(100_000_000);
    scheduler.wait(one, text(700_000), 0);
    expect(frames()).toEqual([
      [1, 65_536],
      [1, 262_144],
      [1, 262_144],
      [1, 110_176],
    ]);
    scheduler.wait(one, text(200_000), 0);
    scheduler.wait(two, text(70_000), 0);
    const both = frames();
    const before = both.slice(0, both.findIndex(([call]) => call === 2) + 1);
    expect(Math.max(...before.map(([, length]) => length))).toBeLessThanOrEqual(262_144);
    const total = (id: number): number => both.reduce((sum, [call, length]) => sum + (call === id ? length : 0), 0);
    expect([total(1), total(2)]).toEqual([200_000, 70_000]);
  });
});

describe("what waits to be sent", () => {
  const sender = (id: number) => ({ id, sendCredit: 2 ** 30, waiting: undefined, over: false, sendingCaughtUp() {} });

  test("a call that was dropped leaves nothing behind", async () => {
    const scheduler = new SendScheduler(new WriteQueue({ write: () => true, close: () => {} } as never, () => {}));
    scheduler.wait(sender(0), new Uint8Array(1024 * 1024 - 16), 0);
    let dropped: object | undefined = sender(1);
    const gone = new WeakRef(dropped);
    scheduler.wait(dropped as never, new Uint8Array(100), 0);
    scheduler.drop(dropped as never);
    dropped = undefined;
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    await until(() => (gc(), gone.deref() === undefined), "it is collected");
    expect(scheduler.maxMessageBytes).toBeGreaterThan(0);
  });

  // If each cost more the more there are, this would outlast any patience, and the time of a test.
  test("a hundred thousand messages of one call leave, each at the cost of one", () => {
    const queue = new WriteQueue({ write: () => true, close: () => {} } as never, () => {});
    const scheduler = new SendScheduler(queue);
    scheduler.wait(sender(0), new Uint8Array(1024 * 1024 - 16), 0);
    const one = sender(1);
    for (let i = 0; i < 200_000; i++) scheduler.wait(one, Uint8Array.of(1), 0);
    scheduler.creditConnection(2 ** 29);
    while (one.waiting !== undefined) {
      queue.flush();
      scheduler.run();
    }
    expect(one.sendCredit).toBe(2 ** 30 - 200_000 * 17);
  });
});

describe("reassembly", () => {
  const filled = (message: Reassembly, bytes: number): Reassembly => {
    message.add(new Uint8Array(bytes), 0, bytes);
    return message;
  };

  test("allocates in proportion to what has arrived, and the whole once 16 KiB have and the connection allows it", () => {
    const ahead = { allowance: 1_000_000 };
    const first = filled(new Reassembly(700_000, 0, ahead), 16_383);
    expect([first.bytes.length <= 4 * 16_383, ahead.allowance]).toEqual([true, 1_000_000]);
    filled(first, 60_000);
    expect([first.bytes.length, ahead.allowance]).toEqual([700_000, 300_000]);
    const second = filled(new Reassembly(700_000, 0, ahead), 20_000);
    expect([second.bytes.length <= 4 * 20_000, ahead.allowance]).toEqual([true, 300_000]);
    const tiny = new Reassembly(0xffffffff, 0, ahead);
    for (let i = 0; i < 20; i++) expect(filled(tiny, 5_000).bytes.length).toBeLessThanOrEqual(tiny.length * 4);
    const third = filled(new Reassembly(300_000, 0, ahead), 16_384);
    expect([third.bytes.length, ahead.allowance]).toEqual([300_000, 0]);
    for (const one of [second, tiny]) one.abandon();
    expect(ahead.allowance).toBe(0);
  });

  test("returns what it has of the allowance once: when it is whole, or given up", () => {
    const ahead = { allowance: 100_000 };
    const whole = filled(new Reassembly(60_000, 0, ahead), 59_999);
    expect(ahead.allowance).toBe(40_000);
    filled(whole, 1);
    expect(ahead.allowance).toBe(100_000);
    const left = filled(new Reassembly(60_000, 0, ahead), 20_000);
    for (const one of [whole, left, left]) one.abandon();
    expect(ahead.allowance).toBe(100_000);
  });

  test("grows to its size and holds what came", () => {
    const parts = Array.from({ length: 300 }, (_, i) => new Uint8Array(i + 1).fill(i));
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    const message = new Reassembly(total, 0, { allowance: total - 1 });
    for (const part of parts) message.add(part, 0, part.length);
    expect(message.isComplete).toBe(true);
    expect(Buffer.compare(message.bytes.subarray(0, total), Buffer.concat(parts))).toBe(0);
    expect(() => message.add(Uint8Array.of(1), 0, 1)).toThrow("longer");
  });
});

describe("back-off", () => {
  test("grows by its factor to its most, and begins anew", () => {
    const backoff = new Backoff({ initialMs: 100, factor: 2, jitter: 0, maxMs: 500 });
    expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([100, 200, 400, 500, 500]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  test("jitters either way", () => {
    for (const [random, ms] of [
      [0, 800],
      [0.5, 1000],
      [1, 1200],
    ] as const)
      expect(new Backoff({}, () => random).next()).toBeCloseTo(ms);
  });

  test("is usable for ever", () => {
    const backoff = new Backoff({ initialMs: 0 }, () => 0.5);
    for (let i = 0; i < 5000; i++) expect(backoff.next()).toBeGreaterThanOrEqual(0);
  });
});

describe("keep-alive", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const watched = (busy = true) => {
    const events: string[] = [];
    const subject = { busy, ping: () => events.push("ping"), lost: (error: Error) => events.push(error.message) };
    return { subject, events, keepAlive: new KeepAlive(subject, { idleMs: 100, timeoutMs: 50 }) };
  };

  test("asks after silence, and gives up after no answer", () => {
    const { keepAlive, events } = watched();
    keepAlive.watch();
    vi.advanceTimersByTime(99);
    expect(events).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(events).toEqual(["ping"]);
    vi.advanceTimersByTime(50);
    expect(events).toEqual(["ping", "the peer did not answer a ping within 50 ms"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("whatever is heard is an answer, and counts as no silence", () => {
    const { keepAlive, events } = watched();
    keepAlive.watch();
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(60);
      keepAlive.heard();
    }
    expect(events).toEqual([]);
    vi.advanceTimersByTime(100);
    keepAlive.heard();
    vi.advanceTimersByTime(99);
    expect(events).toEqual(["ping"]);
    vi.advanceTimersByTime(1);
    expect(events).toEqual(["ping", "ping"]);
  });

  test("does nothing without calls, and nothing when it is off", () => {
    const idle = watched(false);
    idle.keepAlive.watch();
    vi.advanceTimersByTime(1000);
    expect([idle.events, vi.getTimerCount()]).toEqual([[], 0]);
    const off = new KeepAlive(idle.subject, false);
    off.watch();
    expect([off.doubtful, vi.getTimerCount()]).toEqual([false, 0]);
  });

  test("a process that slept asks again before it gives up", () => {
    const { keepAlive, events } = watched();
    keepAlive.watch();
    vi.advanceTimersByTime(100);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(50);
    expect(events).toEqual(["ping"]);
    vi.advanceTimersByTime(50);
    expect(events).toHaveLength(2);
  });

  test("a clock that is set back does not make the peer younger", () => {
    const { keepAlive, events } = watched();
    keepAlive.watch();
    vi.setSystemTime(Date.now() - 3_600_000);
    vi.advanceTimersByTime(150);
    expect(events).toEqual(["ping", "the peer did not answer a ping within 50 ms"]);
  });

  test("an end that is told to asks slowly without calls, and at the usual pace with them", () => {
    const { subject, events } = watched(false);
    const keepAlive = new KeepAlive(subject, { idleMs: 100, timeoutMs: 50, idlePingMs: 1_000 });
    keepAlive.watch();
    vi.advanceTimersByTime(999);
    expect(events).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(events).toEqual(["ping"]);
    keepAlive.heard();
    subject.busy = true;
    vi.advanceTimersByTime(100);
    expect(events).toEqual(["ping", "ping"]);
    vi.advanceTimersByTime(50);
    expect(events).toHaveLength(3);
  });

  test("nothing after stop", () => {
    const { keepAlive, events } = watched();
    keepAlive.watch();
    keepAlive.stop();
    keepAlive.ask();
    vi.advanceTimersByTime(1000);
    expect([events, vi.getTimerCount()]).toEqual([[], 0]);
  });
});
