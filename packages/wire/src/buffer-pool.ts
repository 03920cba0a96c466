import { allocateBytes } from "@farcall/core";

const leastBytes = 1024;
const mostBytes = 256 * 1024;
const mostBuffers = 16;

/** Shared by all connections, because a buffer is in use only from the first frame of a turn to its end. */
const pool: Uint8Array[] = [];

/** What a connection writes into while it has nothing to say: most connections are idle. */
export const noBuffer: Uint8Array = allocateBytes(0);

/** Memory of at least so many bytes, its content undefined. */
export function takeBuffer(bytes: number): Uint8Array {
  const last = pool.at(-1);
  if (last !== undefined && last.length >= bytes) {
    pool.length--;
    return last;
  }
  return allocateBytes(Math.max(bytes, leastBytes));
}

/** Nobody else has the buffer any more. */
export function giveBuffer(buffer: Uint8Array): void {
  const isUseful = buffer.length >= leastBytes && buffer.length <= mostBytes;
  if (isUseful && pool.length < mostBuffers) pool.push(buffer);
}
