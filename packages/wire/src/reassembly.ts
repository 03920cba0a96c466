import { allocateBytes } from "@farcall/core";
import { ProtocolError } from "./protocol-error.ts";

/** Memory is at most so many times what has come, unless the connection's allowance has room for the whole. */
const growth = 4;
const leastBytes = 256;
/** So much has to come before the whole is allocated: a promise alone must not cost memory, nor work. */
const earnestBytes = 16 * 1024;

/** What a connection has allocated for parts of messages that have not come yet. */
export interface Ahead {
  /** Bytes that may still be allocated so. */
  allowance: number;
}

/** A message that arrives in parts. */
export class Reassembly {
  /** The announced length. */
  readonly total: number;
  /** `positional`, from the first part. */
  readonly flags: number;
  bytes: Uint8Array;
  length = 0;
  readonly #ahead: Ahead;
  /** Taken from the connection's allowance. */
  #taken = 0;

  constructor(total: number, flags: number, ahead: Ahead) {
    this.total = total;
    this.flags = flags;
    this.#ahead = ahead;
    this.bytes = allocateBytes(Math.min(total, leastBytes));
  }

  get isComplete(): boolean {
    return this.length === this.total;
  }

  /** @throws ProtocolError when there is more than was announced, or a part is empty. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (end === start) throw new ProtocolError("an empty part of a message");
    if (length > this.total) throw new ProtocolError("the parts of a message are longer than its size");
    if (length > this.bytes.length) this.#grow(length);
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
    if (this.isComplete) this.abandon();
  }

  /** Nothing more comes: what was allocated ahead is nobody's promise any more. */
  abandon(): void {
    this.#ahead.allowance += this.#taken;
    this.#taken = 0;
  }

  #grow(length: number): void {
    const isWhole = length >= earnestBytes && this.total <= this.#ahead.allowance;
    if (isWhole) {
      this.#taken = this.total;
      this.#ahead.allowance -= this.total;
    }
    const larger = allocateBytes(isWhole ? this.total : Math.min(this.total, length * growth));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
