import { describe, expect, test } from "vitest";
import { WriteQueue } from "../src/write-queue.ts";
import { fixture } from "./rig/fixture.ts";
import { type Frame, messagesOf } from "./rig/frame-text.ts";
import { Outbox, sender } from "./rig/outbox.ts";
import { failure, randomFrom, until } from "./rig/until.ts";

const seed = Number(process.env["FARCALL_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const mebibyte = 1024 * 1024;

/** Text that differs from place to place and from message to message, so that no part can stand for another. */
function textOf(length: number, name: number): string {
  let text = "";
  for (let i = 0; text.length < length; i++) text += `${name}:${i} `;
  return text.slice(0, length);
}

/** A codec that writes text as it is, in steps, as codecs do. */
const plain = {
  encode(value: unknown, into: { write(bytes: Uint8Array): void }): void {
    const bytes = Buffer.from(value as string);
    for (let at = 0; at < bytes.length; at += 50_000) into.write(bytes.subarray(at, at + 50_000));
  },
  decode: () => undefined,
};

describe("large messages written from where they are", () => {
  test(`bytes in flight are never overwritten, whatever the connections do (FARCALL_SEED=${seed})`, () => {
    console.log(`large messages: FARCALL_SEED=${seed}`);
    const random = randomFrom(seed);
    for (let round = 0; round < 12; round++) {
      // Two connections, because buffers go from one to the other.
      const boxes = [new Outbox(), new Outbox()];
      for (const one of boxes) {
        const eagerness = random();
        one.takes = () => random() < eagerness;
      }
      const calls = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, id) => sender(id, 300_000));
      const sent = calls.map((): string[] => []);
      const dropped = new Set<number>();
      const frames: Frame[] = [];
      let count = 0;
      for (let step = 0; step < 80; step++) {
        const id = Math.floor(random() * calls.length);
        const call = calls[id]!;
        const box = boxes[id % 2]!;
        const what = random();
        if (dropped.has(id)) {
          continue;
        } else if (what < 0.4) {
          const kind = random();
          const length = Math.floor(random() * (kind < 0.3 ? 100 : kind < 0.6 ? 70_000 : 600_000));
          const text = textOf(length, count++);
          sent[id]!.push(text);
          if (random() < 0.5) box.scheduler.sendNext(call, plain, text, false);
          else box.scheduler.send(call, plain, text, false, false);
        } else if (what < 0.5) {
          box.scheduler.creditCall(call, 1 + Math.floor(random() * 300_000));
        } else if (what < 0.6) {
          box.scheduler.creditConnection(1 + Math.floor(random() * 600_000));
        } else if (what < 0.62) {
          box.scheduler.drop(call);
          dropped.add(id);
        } else if (what < 0.8) {
          box.queue.flush();
        } else if (what < 0.97) {
          box.drain();
        } else {
          frames.push(...box.frames());
        }
      }
      for (const call of calls) boxes[call.id % 2]!.scheduler.creditCall(call, 2 ** 30);
      for (const box of boxes) {
        box.scheduler.creditConnection(2 ** 30);
        frames.push(...box.frames());
        box.queue.close();
      }
      for (const { id, waiting } of calls) {
        const got = messagesOf(frames, id);
        expect([id, waiting]).toEqual([id, undefined]);
        const wanted = dropped.has(id) ? sent[id]!.slice(0, got.length) : sent[id]!;
        // Not `toEqual`, which would print megabytes.
        const wrong = wanted.findIndex((text, i) => text !== got[i]);
        expect([round, id, got.length, wrong], `seed ${seed}`).toEqual([round, id, wanted.length, -1]);
      }
    }
  });

  test("memory of a message that was cancelled in flight is not used for the next", () => {
    const box = new Outbox();
    box.scheduler.creditConnection(2 ** 29);
    box.takes = () => false;
    const [one, two] = [sender(1), sender(2)];
    box.scheduler.send(one, plain, textOf(mebibyte, 1), false, true);
    box.queue.flush();
    box.drain();
    box.scheduler.run();
    expect(box.busy).toBe(true);
    box.scheduler.drop(one);
    for (let i = 0; i < 3; i++) box.scheduler.send(two, plain, textOf(mebibyte, 2 + i), false, false);
    // Throws when what was in flight is not what was written.
    box.drain();
    const got = messagesOf(box.frames(), 2);
    expect(got.map((text, i) => text === textOf(mebibyte, i + 2))).toEqual([true, true, true]);
    box.queue.close();
  });

  test("the memory of a message that has left is used for the next one, not before", () => {
    const memories: ArrayBufferLike[] = [];
    const watched = {
      ...plain,
      encode(value: unknown, into: { buffer: Uint8Array; write(bytes: Uint8Array): void }): void {
        plain.encode(value, into);
        memories.push(into.buffer.buffer);
      },
    };
    const box = new Outbox();
    box.scheduler.creditConnection(2 ** 29);
    const call = sender(1);
    const send = (name: number): void =>
      void box.scheduler.send(call, watched as never, textOf(mebibyte, name), false, false);
    send(0);
    box.frames();
    box.takes = () => false;
    send(1);
    expect(memories[1] === memories[0]).toBe(true);
    send(2);
    expect(memories[2] === memories[0]).toBe(false);
    const got = messagesOf(box.frames(), 1);
    expect(got.map((text, i) => text === textOf(mebibyte, i + 1))).toEqual([true, true]);
    box.queue.close();
  });

  test("no timer keeps memory of a connection that is over", () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const box = new Outbox();
    box.scheduler.creditConnection(2 ** 29);
    box.scheduler.send(sender(1), plain, textOf(mebibyte, 1), false, true);
    box.frames();
    box.queue.close();
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test("released in flight, it is kept until the connection has taken it", () => {
    let keeps = true;
    const queue = new WriteQueue({ write: () => !keeps, close: () => {} } as never, () => {});
    const message = new Uint8Array(mebibyte);
    queue.writeInPlace(message);
    queue.release(message);
    const memory = (): ArrayBufferLike => {
      const frame = queue.begin(0x80);
      const at = queue.writer.position;
      queue.writer.reserve(500_000);
      const { buffer } = queue.writer.buffer;
      queue.writer.position += 500_000;
      queue.takeFrom(at);
      queue.abandon(frame);
      return buffer;
    };
    expect(memory() === message.buffer).toBe(false);
    keeps = false;
    queue.drained();
    expect(memory() === message.buffer).toBe(true);
    queue.close();
  });
});

describe("large messages between slow peers", () => {
  const roomy = { limits: { maxMessageBytes: 64 * mebibyte } };
  for (const [name, pair] of Object.entries({
    "keep every chunk until it is read": { bufferBytes: 0 },
    "keep some": { bufferBytes: 300_000 },
    "take their time": { bufferBytes: 100_000, delayMs: 2 },
  })) {
    test(`come back as they were over connections that ${name}`, async () => {
      await using f = await fixture({ pair, client: roomy, core: roomy });
      const sizes = [10, 70_000, 262_000, 1_500_000];
      const echoes = sizes.map(async (size, i) => (await f.client.echo(textOf(size, i))) === textOf(size, i));
      const lines = sizes.flatMap((size, i) => [textOf(size, i), i, textOf(size >> 4, i), -i]);
      const talk = async (): Promise<boolean> => {
        let next = 0;
        for await (const line of f.client.talk(lines)) if (line !== lines[next++]) return false;
        return next === lines.length;
      };
      expect(await Promise.all([...echoes, talk()])).toEqual([...sizes, talk].map(() => true));
      expect(f.link.connections).toHaveLength(1);
    });
  }

  test("that are cancelled in the middle do no harm to others", async () => {
    await using f = await fixture({ pair: { bufferBytes: 0 }, client: roomy, core: roomy });
    await f.client.echo(0);
    for (let i = 0; i < 10; i++) {
      const abort = new AbortController();
      const leaves = f.client.echo(textOf(2_000_000, i), { signal: abort.signal });
      const stays = f.client.echo(textOf(1_000_000, i));
      const { client } = f.link.connections[0]!;
      const before = client.writes;
      await until(() => client.writes > before + i, "it is on its way");
      abort.abort();
      expect(await failure(leaves)).toMatchObject({ code: "CANCELLED" });
      expect((await stays) === textOf(1_000_000, i)).toBe(true);
    }
    expect(f.link.connections).toHaveLength(1);
  });
});
