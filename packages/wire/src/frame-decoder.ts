import { headerBytes, maxFrameBytes, preface } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Takes whole frames. The bytes are valid during the call. */
export interface FrameReceiver {
  frame(kind: number, bytes: Uint8Array, start: number, end: number): void;
}

const smallPartialBytes = 256;
const idleChunkBytes = 4096;

/**
 * Cuts a stream of chunks into frames. A frame that lies whole in a chunk is handed on where it is; only one that
 * straddles chunks is copied, into a buffer that grows with what has really arrived.
 */
export class FrameDecoder {
  readonly #receiver: FrameReceiver;
  /** The beginning of a frame, or of the preface, that has not ended yet. */
  #partial: Uint8Array = new Uint8Array(smallPartialBytes);
  #partialLength = 0;
  #prefaceSeen = false;
  #stopped = false;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Is the peer in the middle of a frame? */
  get midFrame(): boolean {
    return this.#partialLength > 0;
  }

  /** Nothing more is handed on. */
  stop(): void {
    this.#stopped = true;
  }

  /** @throws ProtocolError on what cannot be a frame, as soon as that shows. */
  push(chunk: Uint8Array): void {
    if (this.#stopped) return;
    let at = this.#prefaceSeen ? 0 : this.#preface(chunk);
    if (!this.#prefaceSeen) return;
    if (this.#partialLength > 0) at = this.#complete(chunk, at);
    const receiver = this.#receiver;
    while (!this.#stopped && chunk.length - at >= headerBytes) {
      const length = frameLength(chunk, at);
      const end = at + headerBytes + length;
      if (end > chunk.length) break;
      receiver.frame(chunk[at + 3] as number, chunk, at + headerBytes, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
    // Large frames have passed: an idle connection should not keep their buffer.
    else if (this.#partialLength === 0 && this.#partial.length > smallPartialBytes && chunk.length < idleChunkBytes) {
      this.#partial = new Uint8Array(smallPartialBytes);
    }
  }

  /** Checks the peer's first bytes, one by one as they come. Returns where the frames begin. */
  #preface(chunk: Uint8Array): number {
    const wanted = preface.length - this.#partialLength;
    const given = Math.min(wanted, chunk.length);
    for (let i = 0; i < given; i++) {
      if (chunk[i] === preface[this.#partialLength + i]) continue;
      this.#keep(chunk, 0, Math.min(chunk.length, 64));
      throw new ProtocolError(
        `the peer does not speak Farcall: it began with ${printable(this.#partial.subarray(0, this.#partialLength))}`,
      );
    }
    if (given < wanted) {
      this.#keep(chunk, 0, given);
      return given;
    }
    this.#partialLength = 0;
    this.#prefaceSeen = true;
    return given;
  }

  /** Adds to the partial frame what the chunk has of it. Returns where the next frame begins. */
  #complete(chunk: Uint8Array, at: number): number {
    if (this.#partialLength < headerBytes) {
      const missing = Math.min(headerBytes - this.#partialLength, chunk.length - at);
      this.#keep(chunk, at, at + missing);
      at += missing;
      if (this.#partialLength < headerBytes) return at;
    }
    const total = headerBytes + frameLength(this.#partial, 0);
    const missing = Math.min(total - this.#partialLength, chunk.length - at);
    this.#keep(chunk, at, at + missing);
    at += missing;
    if (this.#partialLength < total) return at;
    this.#partialLength = 0;
    this.#receiver.frame(this.#partial[3] as number, this.#partial, headerBytes, total);
    return at;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const length = this.#partialLength + to - from;
    if (length > this.#partial.length) {
      const larger = new Uint8Array(Math.max(length, Math.min(this.#partial.length * 4, headerBytes + maxFrameBytes)));
      larger.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = larger;
    }
    this.#partial.set(chunk.subarray(from, to), this.#partialLength);
    this.#partialLength = length;
  }
}

function frameLength(bytes: Uint8Array, at: number): number {
  const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  if (length > maxFrameBytes) throw new ProtocolError(`a frame of ${length} bytes is longer than ${maxFrameBytes}`);
  return length;
}

function printable(bytes: Uint8Array): string {
  return JSON.stringify(
    Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join(""),
  );
}
