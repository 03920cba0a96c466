// In Node a Buffer is the faster Uint8Array (native utf8Write, no zero-fill); elsewhere there is none.
declare const Buffer:
  | { allocUnsafeSlow(size: number): Uint8Array; from(memory: ArrayBufferLike): Uint8Array }
  | undefined;

/** Bytes for `size` octets, their content undefined. */
export const allocateBytes: (size: number) => Uint8Array =
  typeof Buffer === "undefined" ? (size) => new Uint8Array(size) : (size) => Buffer.allocUnsafeSlow(size);

/** All of the memory that `bytes` is a part of, in the same form as `allocateBytes` gave it. */
export const wholeOf: (bytes: Uint8Array) => Uint8Array =
  typeof Buffer === "undefined" ? (bytes) => new Uint8Array(bytes.buffer) : (bytes) => Buffer.from(bytes.buffer);

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

  readonly #allocate: (bytes: number) => Uint8Array;

  /** `allocate` gives memory of at least so many bytes when the buffer has to grow. */
  constructor(sizeBytes: number, allocate: (bytes: number) => Uint8Array = allocateBytes) {
    this.buffer = allocateBytes(sizeBytes);
    this.#allocate = allocate;
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
    // Twice as much, so that many small steps stay cheap; or just enough for one large one.
    const larger = this.#allocate(Math.max(this.buffer.length * 2, Math.ceil(needed / 1024) * 1024));
    if (this.position > 0) larger.set(this.buffer.subarray(0, this.position));
    this.buffer = larger;
  }
}
