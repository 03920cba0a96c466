import type { ByteWriter } from "@farcall/core";

declare const Buffer: { prototype: { copy: CopyBytes } } | undefined;
type CopyBytes = (this: Uint8Array, target: Uint8Array, at: number, start: number, end: number) => number;

const copy: CopyBytes =
  typeof Buffer === "undefined"
    ? function (this: Uint8Array, target, at, start, end) {
        target.set(this.subarray(start, end), at);
        return end - start;
      }
    : Buffer.prototype.copy;

// Below this a loop is faster than a call out of JavaScript.
const shortBytes = 48;

/** Copies `source` from `start` to `end` into `target`. */
export function copyInto(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  const size = end - start;
  if (size <= shortBytes) for (let i = 0; i < size; i++) target[at + i] = source[start + i]!;
  else copy.call(source, target, at, start, end);
}

/**
 * Appends `source` from `start` to `end`.
 *
 * cbor-x and msgpackr encode into a buffer of their own that is reused, and the bytes are copied from there. For
 * cbor-x that costs 20 ns; lending it the writer's buffer costs 150, since it cannot start at a position and so wants
 * a view and a DataView per message, and it would have to be taken back, because other users of cbor-x in the same
 * process go on in whatever buffer it has.
 */
export function append(into: ByteWriter, source: Uint8Array, start: number, end: number): void {
  const size = end - start;
  into.reserve(size);
  copyInto(into.buffer, into.position, source, start, end);
  into.position += size;
}

const desk = new Uint8Array(4096);

/**
 * The bytes from `start` to `end` as a plain Uint8Array that begins with them and is used up before the next call:
 * a copy when they are few (a view, and the DataView that the libraries keep with it, cost more), else a view.
 * What is beyond the message in it is not part of it.
 */
export function lend(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start;
  if (size > desk.length) return new Uint8Array(bytes.buffer, bytes.byteOffset + start, size);
  copyInto(desk, 0, bytes, start, end);
  return desk;
}
