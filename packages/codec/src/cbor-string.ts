/// <reference lib="es2024.string" />

import type { ByteWriter } from "@farcall/core";
import { headBytes, writeHead } from "./cbor-number.ts";
import { unusual } from "./cbor-unusual.ts";
import { room } from "./room.ts";
import { utf8Size, writeUtf8 } from "./utf8-write.ts";

const textMajor = 0x60;

// Up to this length a loop over ASCII is no slower than the native call (16: 25 against 30 ns; 32: 44 against 30).
const shortUnits = 24;

/** Writes a string and says where it ends. Half a surrogate pair becomes U+FFFD. */
export function writeString(text: string, into: ByteWriter, at: number): number {
  const end = writeShort(text, into, at);
  return end < 0 ? writeLong(text, into, at) : end;
}

/** The same for a key, which is nothing for the fast path when it has half a surrogate pair: two could become one. */
export function writeKey(key: string, into: ByteWriter, at: number): number {
  const end = writeShort(key, into, at);
  if (end >= 0) return end;
  if (!key.isWellFormed()) throw unusual;
  return writeLong(key, into, at);
}

/** -1 when the text is long or has surrogates. */
function writeShort(text: string, into: ByteWriter, at: number): number {
  const units = text.length;
  if (units > shortUnits) return -1;
  const buffer = room(into, at, units + 2);
  const start = writeHead(buffer, at, textMajor, units);
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return writeShortUnicode(text, into, at);
    buffer[start + i] = unit;
  }
  return start + units;
}

// The native call is slow for what V8 keeps in two bytes a unit: 16 of them take 62 ns, and 23 here.
function writeShortUnicode(text: string, into: ByteWriter, at: number): number {
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit & 0xf800) === 0xd800) return -1;
    size += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
  }
  const buffer = room(into, at, size + 2);
  at = writeHead(buffer, at, textMajor, size);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      buffer[at++] = unit;
      continue;
    }
    if (unit < 0x800) buffer[at++] = 0xc0 | (unit >> 6);
    else {
      buffer[at++] = 0xe0 | (unit >> 12);
      buffer[at++] = 0x80 | ((unit >> 6) & 0x3f);
    }
    buffer[at++] = 0x80 | (unit & 0x3f);
  }
  return at;
}

// The head is as wide as an ASCII text needs it; where it turns out to be too narrow the text is moved.
function writeLong(text: string, into: ByteWriter, at: number): number {
  const most = utf8Size(text);
  const buffer = room(into, at, most + 5);
  const guess = headBytes(text.length);
  const size = writeUtf8(buffer, text, at + guess, most);
  const head = headBytes(size);
  if (head !== guess) buffer.copyWithin(at + head, at + guess, at + guess + size);
  return writeHead(buffer, at, textMajor, size) + size;
}
