import { allocateBytes } from "@farcall/core";
import { copyInto } from "./borrow.ts";

// From here on memory that nobody has zeroed is worth its own allocation (1 MiB: 47 against 72 µs), and a view may be
// worth keeping the message for.
const largeBytes = 65_536;

/**
 * The bytes from `start` to `end` as a plain Uint8Array: a copy, or a view when they are most of a message that is
 * `owned`, that is, nobody's any more.
 */
export function ownBytes(bytes: Uint8Array, start: number, end: number, owned: boolean): Uint8Array {
  const size = end - start;
  const isLarge = size >= largeBytes;
  if (isLarge && owned && size * 2 > bytes.buffer.byteLength) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, size);
  }
  const copy = isLarge ? new Uint8Array(allocateBytes(size).buffer) : new Uint8Array(size);
  copyInto(copy, 0, bytes, start, end);
  return copy;
}
