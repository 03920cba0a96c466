import type { ByteWriter } from "@farcall/core";
import { copyInto } from "./borrow.ts";
import { headBytes, maxNumberBytes, writeBigint, writeDouble, writeHead, writeNumber } from "./cbor-number.ts";
import { exactShape, type Shape, shuffledShape } from "./cbor-shapes.ts";
import { writeKey, writeString } from "./cbor-string.ts";
import { unusual } from "./cbor-unusual.ts";
import { farDateMs } from "./inspect.ts";
import { room } from "./room.ts";

/**
 * Appends `value` in one pass, the same bytes that cbor-x would make of it, if it is all of plain things.
 * All state is in arguments: a getter may encode.
 *
 * @param root of the shape table; undefined when the message is self-describing
 * @returns false, with the writer as it was, when something in it is for `inspect` and cbor-x to judge
 */
export function writePlain(value: unknown, into: ByteWriter, maxDepth: number, root: Shape | undefined): boolean {
  const start = into.position;
  // Inherited keys are nobody's; only polluted prototypes have any.
  for (const _ in Object.prototype) return false;
  misses = 0;
  try {
    into.position = writeItem(value, into, start, maxDepth, root, 0);
    return true;
  } catch {
    // Also what a getter threw: the other road meets it again, and says it as ever.
    into.position = start;
    return false;
  }
}

// `place` and `slot` say where the item is: under which key of which shape.
function writeItem(
  value: unknown,
  into: ByteWriter,
  at: number,
  depth: number,
  place: Shape | undefined,
  slot: number,
): number {
  switch (typeof value) {
    case "string":
      return writeString(value, into, at);
    case "number":
      return writeNumber(room(into, at, maxNumberBytes), at, value);
    case "boolean":
      room(into, at, 1)[at] = value ? 0xf5 : 0xf4;
      return at + 1;
    case "object":
      if (value === null) {
        room(into, at, 1)[at] = 0xf6;
        return at + 1;
      }
      return writeObject(value, into, at, depth, place, slot);
    case "undefined":
      room(into, at, 1)[at] = 0xf7;
      return at + 1;
    case "bigint":
      return writeInteger(value, into, at);
    case "function":
    case "symbol":
    default:
      throw unusual;
  }
}

function writeObject(
  value: object,
  into: ByteWriter,
  at: number,
  depth: number,
  place: Shape | undefined,
  slot: number,
): number {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    if (depth === 0) throw unusual;
    const plain = value as Record<string, unknown>;
    return place === undefined
      ? writeMap(plain, into, at, depth - 1, place, slot)
      : writeShape(plain, into, at, depth - 1, place, slot);
  }
  if (prototype === Array.prototype) {
    if (depth === 0) throw unusual;
    const items = value as unknown[];
    const { length } = items;
    at = writeHead(room(into, at, maxNumberBytes), at, 0x80, length);
    for (let i = 0; i < length; i++) at = writeItem(items[i], into, at, depth - 1, place, slot);
    return at;
  }
  if (value instanceof Uint8Array && (prototype === Uint8Array.prototype || prototype === bufferPrototype)) {
    const size = value.byteLength;
    const buffer = room(into, at, size + maxNumberBytes);
    at = writeHead(buffer, at, 0x40, size);
    copyInto(buffer, at, value, 0, size);
    return at + size;
  }
  if (prototype === Date.prototype) return writeDate(value as Date, into, at);
  throw unusual;
}

declare const Buffer: { prototype: object } | undefined;
const bufferPrototype = typeof Buffer === "undefined" ? undefined : Buffer.prototype;

function writeMap(
  value: Record<string, unknown>,
  into: ByteWriter,
  start: number,
  depth: number,
  place: Shape | undefined,
  slot: number,
): number {
  let size = 0;
  let at = start + 1;
  for (const key in value) {
    const item = value[key];
    if (item === undefined) continue;
    if (key === "__proto__") throw unusual;
    size++;
    at = writeItem(item, into, writeKey(key, into, at), depth, place, slot);
  }
  const buffer = room(into, at, maxNumberBytes);
  // How many there are was not known, and one byte mostly holds it; the rest is moved where it does not.
  if (size > 23) {
    const body = start + headBytes(size);
    buffer.copyWithin(body, start + 1, at);
    at += body - start - 1;
  }
  writeHead(buffer, start, 0xa0, size);
  return at;
}

// Where guesses fail on many levels at once, each attempt would double the work: so few are allowed per message.
const maxMisses = 8;
let misses = 0;

// Which shape it is shows only once all keys are seen, so the one that was here last is written until a key differs.
function writeShape(
  value: Record<string, unknown>,
  into: ByteWriter,
  start: number,
  depth: number,
  place: Shape,
  slot: number,
): number {
  if (misses < maxMisses) {
    const end = writeAs(place.guesses[slot]!, value, into, start, depth);
    if (end >= 0) return end;
    if (end === wasted) misses++;
  }
  const exact = exactShape(value, place.table);
  if (exact !== undefined) {
    place.guesses[slot] = exact;
    const at = writeAs(exact, value, into, start, depth);
    if (at >= 0) return at;
    throw unusual; // it has changed
  }
  const shuffled = shuffledShape(value, place.table);
  if (shuffled === undefined) return writeMap(value, into, start, depth, place, slot);
  let at = writeShapeHead(shuffled, into, start);
  const { keys } = shuffled;
  for (let i = 0; i < keys.length; i++) at = writeItem(value[keys[i]!], into, at, depth, shuffled, i);
  return at;
}

// The object has other keys: at once, or after something was written.
const otherShape = -1;
const wasted = -2;

function writeAs(shape: Shape, value: Record<string, unknown>, into: ByteWriter, start: number, depth: number): number {
  const { keys } = shape;
  let at = writeShapeHead(shape, into, start);
  let i = 0;
  for (const key in value) {
    const item = value[key];
    if (item === undefined) continue;
    if (key !== keys[i]) return i === 0 ? otherShape : wasted;
    at = writeItem(item, into, at, depth, shape, i);
    i++;
  }
  return i === keys.length ? at : wasted;
}

function writeShapeHead(shape: Shape, into: ByteWriter, at: number): number {
  const { head } = shape;
  const buffer = room(into, at, head.length);
  for (let i = 0; i < head.length; i++) buffer[at + i] = head[i]!;
  return at + head.length;
}

const bitsEnd = 1n << 64n;

function writeInteger(value: bigint, into: ByteWriter, at: number): number {
  if (value >= bitsEnd || value <= -bitsEnd) throw unusual;
  const buffer = room(into, at, maxNumberBytes);
  return value < 0n ? writeBigint(buffer, at, 0x3b, -1n - value) : writeBigint(buffer, at, 0x1b, value);
}

function writeDate(date: Date, into: ByteWriter, at: number): number {
  const ms = date.getTime();
  // Beyond, seconds as a float lose the milliseconds; and an invalid date is not within.
  if (!(Math.abs(ms) < farDateMs)) throw unusual;
  const buffer = room(into, at, maxNumberBytes + 1);
  const seconds = ms / 1000;
  buffer[at++] = 0xc1;
  if (seconds >>> 0 !== seconds) return writeDouble(buffer, at, seconds);
  buffer[at] = 0x1a;
  for (let i = 4; i > 0; i--) buffer[at + i] = seconds >>> (32 - 8 * i);
  return at + 5;
}
