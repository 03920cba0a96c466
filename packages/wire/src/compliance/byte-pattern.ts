/**
 * Pseudo-random bytes that sender and receiver make anew from the same seed, so that content and order of gigabytes can
 * be checked without keeping them (xorshift32, Marsaglia 2003).
 */
export class BytePattern {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  /** Overwrites `target` with what comes next. */
  fill(target: Uint8Array): Uint8Array {
    for (let i = 0; i < target.length; i++) target[i] = this.#next();
    return target;
  }

  /** The index of the first byte of `chunk` that is not what comes next; -1 when all are. */
  mismatch(chunk: Uint8Array): number {
    for (let i = 0; i < chunk.length; i++) if (chunk[i] !== this.#next()) return i;
    return -1;
  }

  /** A number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#next();
    return this.#state % limit;
  }

  #next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state & 0xff;
  }
}
