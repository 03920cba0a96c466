import { allocateBytes } from "@farcall/core";
import { ProtocolError } from "./protocol-error.ts";

/** What is allocated for each byte of the first part: a promise of megabytes alone must not cost megabytes. */
const aheadFactor = 16;

/** A message that arrives in parts. */
export class Reassembly {
  /** The announced length. */
  readonly total: number;
  /** `positional`, from the first part. */
  readonly flags: number;
  bytes: Uint8Array;
  length = 0;

  constructor(total: number, flags: number, firstPartBytes: number) {
    this.total = total;
    this.flags = flags;
    this.bytes = allocateBytes(Math.min(total, firstPartBytes * aheadFactor));
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
      const larger = allocateBytes(Math.min(this.total, this.bytes.length * 2 + end - start));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length = length;
  }
}
