// In Node a Buffer is the faster Uint8Array (native utf8Write, no zero-fill); elsewhere there is none.
declare const Buffer: { allocUnsafeSlow(size: number): Uint8Array } | undefined;

/** Bytes for `size` octets, their content undefined. */
export const allocateBytes: (size: number) => Uint8Array =
  typeof Buffer === "undefined" ? (size) => new Uint8Array(size) : (size) => Buffer.allocUnsafeSlow(size);

/** The bytes from `start` to `end` in memory of their own. (`slice` of a Buffer is a view.) */
export function copyBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  const copy = allocateBytes(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/**
 * A growing buffer that codecs write into, so that a message is encoded straight into the frame that carries it.
 * A codec writes at `buffer[position]` and moves `position` on; before it writes n bytes it calls `reserve(n)`,
 * after which `buffer` may be another array. What lies before the position it was given belongs to others.
 */
export class ByteWriter {
  buffer: Uint8Array;
  position = 0;

  constructor(sizeBytes: number) {
    this.buffer = allocateBytes(sizeBytes);
  }

  /** Makes room for `bytes` more at `position`. */
  reserve(bytes: number): void {
    const needed = this.position + bytes;
    if (needed > this.buffer.length) this.#grow(needed);
  }

  /** Appends a copy of `bytes`. */
  write(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  #grow(needed: number): void {
    let size = this.buffer.length * 2;
    while (size < needed) size *= 2;
    const larger = allocateBytes(size);
    larger.set(this.buffer.subarray(0, this.position));
    this.buffer = larger;
  }
}
