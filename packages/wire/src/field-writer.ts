import type { ByteWriter, Metadata } from "@farcall/core";

/** What an entry of metadata costs beside its bytes. */
export const metadataEntryBytes = 32;

const utf8 = new TextEncoder();

/** Functions that append the fields of frames to a `ByteWriter`. */

export function writeU8(to: ByteWriter, value: number): void {
  to.reserve(1);
  to.buffer[to.position++] = value;
}

export function writeU32(to: ByteWriter, value: number): void {
  to.reserve(4);
  putU32(to.buffer, to.position, value);
  to.position += 4;
}

/** Writes a u32 in place. */
export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function writeVarint(to: ByteWriter, value: number): void {
  to.reserve(5);
  const { buffer } = to;
  while (value >= 0x80) {
    buffer[to.position++] = (value & 0x7f) | 0x80;
    value = Math.floor(value / 128);
  }
  buffer[to.position++] = value;
}

export function writeBytes(to: ByteWriter, bytes: Uint8Array): void {
  writeVarint(to, bytes.length);
  to.write(bytes);
}

export function writeString(to: ByteWriter, text: string): void {
  writeBytes(to, utf8.encode(text));
}

export function writeStrings(to: ByteWriter, texts: readonly string[]): void {
  writeVarint(to, texts.length);
  for (const text of texts) writeString(to, text);
}

/** A metadata block: its length in bytes, then each key and value. */
export function writeMetadata(to: ByteWriter, metadata: Metadata): void {
  writeVarint(to, metadataBytes(metadata));
  for (const [key, value] of metadata) {
    writeString(to, key);
    writeBytes(to, typeof value === "string" ? utf8.encode(value) : value);
  }
}

/** What limits count of metadata: its block's bytes and, as each entry takes memory of its own, 32 more for each. */
export function metadataCost(metadata: Metadata): number {
  return metadataBytes(metadata) + metadata.size * metadataEntryBytes;
}

/** The length of a metadata block without the length in front of it. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  // Keys and string values are ASCII, so a character is a byte.
  for (const [key, value] of metadata)
    bytes += varintBytes(key.length) + key.length + varintBytes(value.length) + value.length;
  return bytes;
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}
