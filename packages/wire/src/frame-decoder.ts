import { giveBuffer, takeBuffer } from "./buffer-pool.ts";
import { readU32 } from "./byte-reader.ts";
import {
  dataFieldBytes,
  DataFlag,
  FrameKind,
  headerBytes,
  maxDataFrameBytes,
  maxFrameBytes,
  preface,
  totalSizeBytes,
} from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Takes frames. The bytes are valid during the call. */
export interface FrameReceiver {
  /** A whole frame. */
  frame(kind: number, bytes: Uint8Array, start: number, end: number): void;
  /** What has arrived of a `data` frame with a part of a message, as if that were a part by itself. */
  part(call: number, flags: number, bytes: Uint8Array, start: number, end: number): void;
}

/** Most connections are idle, or never see a frame that straddles chunks. */
const nothing = new Uint8Array(0);

const partFlags = DataFlag.sized | DataFlag.part;

/**
 * Cuts a stream of chunks into frames. A frame that lies whole in a chunk is handed on where it is. Of those that
 * straddle chunks, parts of large messages are handed on piece by piece, so that they are copied only to where the
 * message is put together; others are copied into a buffer that grows with what has really arrived.
 */
export class FrameDecoder {
  readonly #receiver: FrameReceiver;
  /** The beginning of a frame, or of the preface, that has not ended yet. */
  #partial: Uint8Array = nothing;
  #partialLength = 0;
  #prefaceSeen = false;
  #stopped = false;
  /** What is still to come of a frame that is handed on in pieces, bytes; its call, and its `end` flag. */
  #pieceLeft = 0;
  #pieceCall = 0;
  #pieceEnd = 0;

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver;
  }

  /** Is the peer in the middle of a frame? */
  get midFrame(): boolean {
    return this.#partialLength > 0 || this.#pieceLeft > 0;
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
    if (this.#pieceLeft > 0) at = this.#piece(chunk, at);
    if (this.#partialLength > 0) at = this.#complete(chunk, at);
    const receiver = this.#receiver;
    while (!this.#stopped && chunk.length - at >= headerBytes) {
      const length = frameLength(chunk, at);
      const end = at + headerBytes + length;
      if (end > chunk.length) {
        at = this.#beginPieces(chunk, at, length);
        break;
      }
      if (length > maxFrameBytes) onlyParts(length, chunk[at + headerBytes + dataFieldBytes - 1] as number);
      receiver.frame(chunk[at + 3] as number, chunk, at + headerBytes, end);
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
    else if (this.#partialLength === 0 && this.#partial !== nothing) this.#giveBack();
  }

  /** An idle connection should not keep a buffer. */
  #giveBack(): void {
    giveBuffer(this.#partial);
    this.#partial = nothing;
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
    const length = frameLength(this.#partial, 0);
    const total = headerBytes + length;
    const missing = Math.min(total - this.#partialLength, chunk.length - at);
    if (missing < total - this.#partialLength && this.#partial[3] === FrameKind.data) {
      // A little more than the fields is enough to go on in pieces.
      const few = Math.min(missing, headerBytes + dataFieldBytes + totalSizeBytes);
      this.#keep(chunk, at, at + few);
      at += few;
      const begun = this.#beginPieces(this.#partial.subarray(0, this.#partialLength), 0, length);
      if (begun > 0) {
        this.#partialLength = 0;
        return this.#piece(chunk, at);
      }
      this.#keep(chunk, at, at + missing - few);
      return at + missing - few;
    }
    this.#keep(chunk, at, at + missing);
    at += missing;
    if (this.#partialLength < total) return at;
    this.#partialLength = 0;
    if (length > maxFrameBytes) onlyParts(length, this.#partial[headerBytes + dataFieldBytes - 1] as number);
    this.#receiver.frame(this.#partial[3] as number, this.#partial, headerBytes, total);
    return at;
  }

  /** Hands on what there is of a frame with a part of a message. Returns where it ends, or `at` for other frames. */
  #beginPieces(chunk: Uint8Array, at: number, length: number): number {
    const fields = at + headerBytes;
    const start = fields + dataFieldBytes;
    if (chunk[at + 3] !== FrameKind.data || chunk.length <= start + totalSizeBytes) return at;
    const flags = chunk[start - 1] as number;
    if ((flags & partFlags) === 0) {
      if (length > maxFrameBytes) onlyParts(length, flags);
      return at;
    }
    // Each piece is less than the message; whether the frame is, nobody else can see.
    if ((flags & DataFlag.sized) !== 0 && length - dataFieldBytes - totalSizeBytes >= readU32(chunk, start)) {
      throw new ProtocolError("a sized message that fits its first part");
    }
    this.#pieceLeft = length - (chunk.length - fields);
    this.#pieceCall = readU32(chunk, fields);
    this.#pieceEnd = flags & DataFlag.end;
    this.#receiver.part(this.#pieceCall, flags & ~DataFlag.end, chunk, start, chunk.length);
    return chunk.length;
  }

  /** The next piece of a frame. Returns where what follows begins. */
  #piece(chunk: Uint8Array, at: number): number {
    if (at === chunk.length) return at;
    const end = Math.min(at + this.#pieceLeft, chunk.length);
    this.#pieceLeft -= end - at;
    const flags = DataFlag.part | (this.#pieceLeft === 0 ? this.#pieceEnd : 0);
    this.#receiver.part(this.#pieceCall, flags, chunk, at, end);
    return end;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const length = this.#partialLength + to - from;
    if (length > this.#partial.length) {
      const least = Math.min(this.#partial.length * 4, headerBytes + maxFrameBytes);
      const larger = takeBuffer(Math.max(length, least));
      larger.set(this.#partial.subarray(0, this.#partialLength));
      giveBuffer(this.#partial);
      this.#partial = larger;
    }
    this.#partial.set(chunk.subarray(from, to), this.#partialLength);
    this.#partialLength = length;
  }
}

function frameLength(bytes: Uint8Array, at: number): number {
  const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  const most = bytes[at + 3] === FrameKind.data ? maxDataFrameBytes : maxFrameBytes;
  if (length > most) throw tooLong(length, most);
  return length;
}

/** A `data` frame of this length must hold a part of a message. */
function onlyParts(length: number, flags: number): void {
  if ((flags & partFlags) === 0) throw tooLong(length, maxFrameBytes);
}

function tooLong(length: number, most: number): ProtocolError {
  return new ProtocolError(`a frame of ${length} bytes is longer than ${most}`);
}

function printable(bytes: Uint8Array): string {
  return JSON.stringify(
    Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join(""),
  );
}
