import { allocateBytes } from "@farcall/core";
import { ProtocolError } from "./protocol-error.ts";

/** Beyond the connection's allowance, memory is so many times what has come. */
const growth = 4;
const leastBytes = 256;

/** What a connection has allocated for parts of messages that have not come yet. */
export interface Ahead {
  /** Bytes that may still be allocated so. */
  allowance: number;
}

/** A message that arrives in parts. A promise of many megabytes alone must not cost them. */
export class Reassembly {
  /** The announced length. */
  readonly total: number;
  /** `positional`, from the first part. */
  readonly flags: number;
  bytes: Uint8Array;
  length = 0;
  readonly #ahead: Ahead;
  /** Taken from the connection's allowance. */
  #taken: number;

  constructor(total: number, flags: number, ahead: Ahead) {
    this.total = total;
    this.flags = flags;
    this.#ahead = ahead;
    this.#taken = total <= ahead.allowance ? total : 0;
    ahead.allowance -= this.#taken;
    this.bytes = allocateBytes(this.#taken > 0 ? total : Math.min(total, leastBytes));
  }

  get isComplete(): boolean {
    return this.length === this.total;
  }

  /** @throws ProtocolError when there is more than was announced, or a part is empty. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (end === start) throw new ProtocolError("an empty part of a message");
    if (length > this.total) throw new ProtocolError("the parts of a message are longer than its size");
    if (length > this.bytes.length) {
      const larger = allocateBytes(Math.min(this.total, length * growth));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
    if (this.isComplete) this.abandon();
  }

  /** Nothing more comes: what was allocated ahead is nobody's promise any more. */
  abandon(): void {
    this.#ahead.allowance += this.#taken;
    this.#taken = 0;
  }
}
