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
import { maxCredit, preface } from "../src/frame.ts";
import { KeepAlive } from "../src/keep-alive.ts";
import { Reassembly } from "../src/reassembly.ts";
import { SendScheduler } from "../src/send-scheduler.ts";
import { WriteQueue } from "../src/write-queue.ts";
import { fixture } from "./rig/fixture.ts";
import { withHeader } from "./rig/frame-text.ts";
import { pair } from "./rig/pair.ts";
import { randomFrom, until } from "./rig/until.ts";

describe("frame decoder", () => {
  const frames = [
    withHeader(0x10, Uint8Array.of()),
    withHeader(0x81, Uint8Array.of(1, 2, 3)),
    withHeader(0x11, new Uint8Array(700).fill(7)),
  ];
  const bytes = Buffer.concat([preface, ...frames]);
  const decoded = (chunks: Uint8Array[]): string[] => {
    const seen: string[] = [];
    const decoder = new FrameDecoder({
      frame: (kind, all, start, end) => seen.push(`${kind} ${Buffer.from(all.subarray(start, end)).toString("hex")}`),
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

  test("cut in three at every two bytes of the beginning", () => {
    for (let i = 0; i < 40; i++) {
      for (let j = i; j < 40; j++) {
        expect(decoded([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)])).toEqual(whole);
      }
    }
  });

  test("byte by byte", () => {
    expect(decoded(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("after stop nothing is handed on, also in the middle of a chunk", () => {
    let count = 0;
    const decoder = new FrameDecoder({
      frame() {
        count++;
        decoder.stop();
      },
    });
    decoder.push(bytes);
    decoder.push(frames[0]!);
    expect(count).toBe(1);
  });

  test("a length beyond the limit is noticed with the header", () => {
    const decoder = new FrameDecoder({ frame: () => {} });
    decoder.push(preface);
    decoder.push(Uint8Array.of(1, 0));
    expect(() => decoder.push(Uint8Array.of(2, 0x11))).toThrow("131073");
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

  test("credit is more than nothing and less than the most", () => {
    expect(addCredit(5, 6)).toBe(11);
    expect(() => addCredit(5, 0)).toThrow("zero");
    expect(() => addCredit(maxCredit, 1)).toThrow("most");
  });
});

describe("write queue", () => {
  test("calls of one turn leave in one write", async () => {
    await using f = await fixture();
    await f.client.echo(0);
    const { client, server } = f.link.connections[0]!;
    const before = [client.writes, server.writes];
    await Promise.all(Array.from({ length: 500 }, (_, i) => f.client.echo(i)));
    expect([client.writes, server.writes].map((count, i) => count - before[i]!)).toEqual([1, 1]);
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
  test("calls take turns, a frame each, and stop where their credit does", () => {
    const frames: [number, number][] = [];
    const queue = new WriteQueue({ write: () => true, close: () => {} } as never, () => {});
    const scheduler = new SendScheduler(queue);
    const finish = queue.finish.bind(queue);
    queue.finish = (start) => {
      frames.push([queue.writer.buffer[start + 4]!, queue.writer.position - start - 9]);
      finish(start);
      queue.flush();
    };
    const sender = (id: number, sendCredit: number) => ({ id, sendCredit, waiting: undefined, sendingCaughtUp() {} });
    const [one, two] = [sender(1, 150_000), sender(2, 1_000_000)];
    // Both wait for the connection.
    const taken = 1024 * 1024 - 16;
    const hog = sender(9, 10_000_000);
    scheduler.wait(hog, new Uint8Array(taken - 16), 0);
    frames.length = 0;
    scheduler.wait(one, new Uint8Array(200_000), 0);
    scheduler.wait(two, new Uint8Array(150_000), 0);
    expect(frames).toEqual([]);
    scheduler.creditConnection(1_000_000);
    expect(frames.map(([id]) => id)).toEqual([1, 2, 1, 2, 1, 2]);
    expect(one.sendCredit).toBe(0);
    scheduler.creditCall(one, 100_000);
    expect(frames.at(-1)![0]).toBe(1);
    expect(one.waiting).toBe(undefined);
    expect(frames.filter(([id]) => id === 1).reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(200_000 + 4);
    scheduler.drop(two);
    expect(() => scheduler.creditCall(two, 0)).toThrow("zero");
  });
});

describe("what waits to be sent", () => {
  const sender = (id: number) => ({ id, sendCredit: 2 ** 30, waiting: undefined, sendingCaughtUp() {} });

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

  test("a hundred thousand messages of one call leave in no time", () => {
    const queue = new WriteQueue({ write: () => true, close: () => {} } as never, () => {});
    const scheduler = new SendScheduler(queue);
    scheduler.wait(sender(0), new Uint8Array(1024 * 1024 - 16), 0);
    const one = sender(1);
    for (let i = 0; i < 200_000; i++) scheduler.wait(one, Uint8Array.of(1), 0);
    const began = performance.now();
    scheduler.creditConnection(2 ** 29);
    while (one.waiting !== undefined) {
      queue.flush();
      scheduler.run();
    }
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});

describe("reassembly", () => {
  test("allocates in proportion to what has arrived", () => {
    const tiny = new Reassembly(0xffffffff, 0, 1);
    expect(tiny.bytes.length).toBeLessThan(1000);
    const honest = new Reassembly(300_000, 0, 65_536);
    expect(honest.bytes.length).toBe(300_000);
  });

  test("grows to its size and holds what came", () => {
    const parts = Array.from({ length: 300 }, (_, i) => new Uint8Array(i + 1).fill(i));
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    const message = new Reassembly(total, 0, 1);
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
