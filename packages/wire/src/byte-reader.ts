import { Metadata } from "@farcall/core";
import { metadataEntryBytes } from "./field-writer.ts";
import { ProtocolError } from "./protocol-error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the fields of one frame. Every read is bounded by the frame; a field that is not there is a protocol error. */
export class ByteReader {
  bytes: Uint8Array;
  position: number;
  end: number;

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  /** Goes on to another frame. Returns itself. */
  over(bytes: Uint8Array, position: number, end: number): this {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    return this;
  }

  get left(): number {
    return this.end - this.position;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.position++] as number;
  }

  u32(): number {
    this.#need(4);
    const { bytes, position } = this;
    this.position += 4;
    return readU32(bytes, position);
  }

  varint(): number {
    let value = 0;
    for (let factor = 1, count = 0; count < 5; factor *= 128, count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte >= 0x80) continue;
      if (value > 0xffffffff) break;
      return value;
    }
    throw new ProtocolError("a varint is longer than 32 bits");
  }

  /** A view of the next `length` bytes. */
  view(length: number): Uint8Array {
    this.#need(length);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  string(maxBytes = 0xffffffff): string {
    const length = this.varint();
    if (length > maxBytes) throw new ProtocolError(`a string of ${length} bytes is longer than ${maxBytes}`);
    const bytes = this.view(length);
    try {
      return utf8.decode(bytes);
    } catch {
      throw new ProtocolError("a string is not UTF-8");
    }
  }

  strings(maxCount: number): string[] {
    const count = this.varint();
    if (count > maxCount) throw new ProtocolError(`a list of ${count} strings is longer than ${maxCount}`);
    return Array.from({ length: count }, () => this.string());
  }

  /** A metadata block. @throws MetadataError when it is too large or has forbidden characters. */
  metadata(maxBytes: number): Metadata {
    const length = this.varint();
    this.#need(length);
    if (length > maxBytes) {
      this.position += length;
      throw new MetadataError(`metadata of ${length} bytes is larger than the limit of ${maxBytes}`, true);
    }
    const blockEnd = this.position + length;
    const frameEnd = this.end;
    this.end = blockEnd;
    const metadata = new Metadata();
    try {
      for (let cost = length; this.position < blockEnd;) {
        cost += metadataEntryBytes;
        if (cost > maxBytes) {
          throw new MetadataError(
            `metadata of ${length} bytes and many entries is larger than the limit of ${maxBytes}`,
            true,
          );
        }
        const key = this.string();
        const value = this.view(this.varint());
        metadata.append(key, key.endsWith("-bin") ? new Uint8Array(value) : latin1(value));
      }
    } catch (error) {
      if (error instanceof ProtocolError || error instanceof MetadataError) throw error;
      throw new MetadataError((error as Error).message, false);
    } finally {
      this.position = blockEnd;
      this.end = frameEnd;
    }
    return metadata;
  }

  #need(bytes: number): void {
    if (this.end - this.position < bytes) throw new ProtocolError("a frame ends in the middle of a field");
  }
}

/** Metadata that cannot be accepted: it ends its call, and the connection goes on. */
export class MetadataError extends Error {
  /** Is size what is wrong with it? */
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge: boolean) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

// One character per byte: bytes above ASCII then fail metadata's own check.
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
