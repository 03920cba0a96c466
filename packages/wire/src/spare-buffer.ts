import { wholeOf } from "@farcall/core";
import { takeBuffer } from "./buffer-pool.ts";

const leastBytes = 64 * 1024;
const mostBytes = 32 * 1024 * 1024;
const idleMs = 2_000;
/** A message does not take memory of more than so many times its size. */
const waste = 4;

/**
 * Keeps the memory of large messages for the next, up to 32 MiB. Memory that is new to the process costs more to touch
 * than the copying itself, by far: the system makes it page by page. What nobody has used for two seconds is let go.
 */
export class SpareBuffer {
  #buffers: Uint8Array[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  #used = false;

  /** Memory of at least so many bytes, its content undefined. */
  take(bytes: number): Uint8Array {
    if (bytes < leastBytes || this.#buffers.length === 0) return takeBuffer(bytes);
    const index = this.#buffers.findLastIndex((one) => one.length >= bytes && one.length <= bytes * waste);
    const [buffer] = index === -1 ? [] : this.#buffers.splice(index, 1);
    if (buffer === undefined) return takeBuffer(bytes);
    this.#bytes -= buffer.length;
    this.#used = true;
    return buffer;
  }

  /** Takes the memory that `buffer` is a part of; nobody else has it any more. */
  give(buffer: Uint8Array): void {
    const { byteLength } = buffer.buffer;
    if (byteLength < leastBytes || byteLength > mostBytes) return;
    // The oldest go first: what is asked for now is what was given last.
    while (this.#bytes + byteLength > mostBytes) this.#bytes -= this.#buffers.shift()?.length ?? 0;
    this.#buffers.push(wholeOf(buffer));
    this.#bytes += byteLength;
    this.#used = true;
    this.#timer ??= this.#watch();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#buffers = [];
    this.#bytes = 0;
  }

  #watch(): ReturnType<typeof setTimeout> {
    this.#used = false;
    const timer = setTimeout(() => {
      if (this.#used) this.#timer = this.#watch();
      else this.clear();
    }, idleMs);
    (timer as { unref?(): void }).unref?.();
    return timer;
  }
}

/** One for all connections: together they keep no more than one would. */
export const spareBuffer: SpareBuffer = new SpareBuffer();
