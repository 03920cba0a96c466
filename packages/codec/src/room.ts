import type { ByteWriter } from "@farcall/core";

/** The writer's buffer, with room for `bytes` at `at`. */
export function room(into: ByteWriter, at: number, bytes: number): Uint8Array {
  if (at + bytes > into.buffer.length) {
    // What lies between the position and `at` must move along when the buffer grows.
    into.position = at;
    into.reserve(bytes);
  }
  return into.buffer;
}
