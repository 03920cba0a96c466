import { copyInto } from "./borrow.ts";

// A view on less than this would keep a whole message in memory for a copy that costs little.
const minViewBytes = 65_536;

/**
 * The bytes from `start` to `end` as a plain Uint8Array: a copy, or a view when they are most of a message that is
 * `owned`, that is, nobody's any more.
 */
export function ownBytes(bytes: Uint8Array, start: number, end: number, owned: boolean): Uint8Array {
  const size = end - start;
  if (owned && size >= minViewBytes && size * 2 > bytes.buffer.byteLength) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, size);
  }
  const copy = new Uint8Array(size);
  copyInto(copy, 0, bytes, start, end);
  return copy;
}
