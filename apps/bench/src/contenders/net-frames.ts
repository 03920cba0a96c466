import type { Socket } from "node:net";

const pooledBytes = 64 * 1024;

/** Gathers what is written in one turn of the event loop into one write. */
export class CoalescedWrites {
  readonly #socket: Socket;
  buffer = Buffer.allocUnsafe(pooledBytes);
  #end = 0;
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Makes room for a frame in `buffer`, and returns where it begins. */
  reserve(bytes: number): number {
    if (this.#end + bytes > pooledBytes) this.flush();
    if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    const start = this.#end;
    this.#end += bytes;
    return start;
  }

  flush(): void {
    if (this.#end === 0) return;
    this.#socket.write(this.buffer.subarray(0, this.#end));
    // What the kernel has taken is free again.
    if (this.#socket.writableLength > 0) this.buffer = Buffer.allocUnsafe(pooledBytes);
    this.#end = 0;
  }
}

interface Expected {
  readonly bytes: number;
  /** Gets a chunk that holds the whole reply, and where it begins. */
  take(chunk: Buffer, at: number): void;
  /** Where the parts of a large reply are put together. */
  readonly whole?: Buffer;
  filled: number;
}

/** Tells replies from each other: they come in the order of the calls, and are as long as these. */
export class RepliesInOrder {
  #expected: Expected[] = [];
  #next = 0;
  #cut: Buffer | undefined;

  constructor(socket: Socket) {
    socket.on("data", (chunk) => this.#read(chunk));
  }

  expect(bytes: number, take: Expected["take"]): void {
    this.#expected.push({ bytes, take, filled: 0 });
  }

  expectLarge(bytes: number, take: (reply: Buffer) => void): void {
    this.#expected.push({ bytes, take, filled: 0, whole: Buffer.allocUnsafe(bytes) });
  }

  #read(chunk: Buffer): void {
    if (this.#cut !== undefined) {
      chunk = Buffer.concat([this.#cut, chunk]);
      this.#cut = undefined;
    }
    let at = 0;
    while (at < chunk.length) {
      const one = this.#expected[this.#next];
      if (one === undefined) throw new Error("a reply that nobody asked for");
      if (one.whole !== undefined) {
        const part = Math.min(one.bytes - one.filled, chunk.length - at);
        chunk.copy(one.whole, one.filled, at, at + part);
        one.filled += part;
        at += part;
        if (one.filled < one.bytes) return;
        this.#advance();
        one.take(one.whole, 0);
      } else {
        if (chunk.length - at < one.bytes) {
          this.#cut = chunk.subarray(at);
          return;
        }
        this.#advance();
        one.take(chunk, at);
        at += one.bytes;
      }
    }
  }

  #advance(): void {
    this.#next++;
    if (this.#next < 1_024) return;
    this.#expected.splice(0, this.#next);
    this.#next = 0;
  }
}
