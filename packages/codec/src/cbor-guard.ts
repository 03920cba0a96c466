import { isMark, longTextBytes } from "./byte-order-marks.ts";
import { readUint32 } from "./cbor-number.ts";
import { firstShapeTag } from "./cbor-shapes.ts";
import { maxBigintBits } from "./inspect.ts";
import {
  badBigint,
  badDate,
  badKey,
  leftOver,
  notUtf8,
  protoKey,
  tooDeep,
  truncated,
  unknownItem,
} from "./malformed.ts";
import { isProtoKey, isUtf8 } from "./utf8.ts";

const maxBigintBytes = maxBigintBits / 8;
const dateText = { min: 20, max: 32 }; // 2024-05-01T00:00:00Z to +275760-09-13T00:00:00.000Z and a zone
const timestamp = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const maxDateSeconds = 8.64e12; // ECMA-262, time values
const float = new DataView(new ArrayBuffer(8));

/**
 * Reads the whole structure of a message before cbor-x does, and lets only what this package sends go on: cbor-x
 * recurses without limit, and knows tags that define structures, refer back, or make errors and regular expressions.
 * One pass, no allocation; after it every length is known to be there.
 *
 * @param shapeSizes how many keys each shape of the table has; empty when the message is self-describing
 * @returns a check that throws, or gives the positions of byte order marks if there are any that cbor-x would swallow
 */
export function cborGuard(maxDepth: number, shapeSizes: readonly number[]) {
  // What is left to read in each container that is open; of a map its keys and its values.
  const lefts = new Float64Array(maxDepth);
  const maps = new Uint8Array(maxDepth);

  return (bytes: Uint8Array, start: number, end: number): number[] | undefined => {
    let at = start;
    let marks: number[] | undefined;
    let depth = 0;
    let left = 1;
    let map = 0;
    for (;;) {
      while (left === 0) {
        if (depth === 0) {
          if (at !== end) throw leftOver();
          return marks;
        }
        left = lefts[--depth]!;
        map = maps[depth]!;
      }
      if (at >= end) throw truncated();
      const isKey = map === 1 && (left & 1) === 0;
      left--;
      const head = bytes[at++]!;
      const major = head >> 5;
      let size = head & 0x1f;
      if (isKey && major !== 3) throw badKey();
      if (size > 23) {
        const width = size < 28 ? 1 << (size - 24) : 0;
        if (major === 7 ? width < 2 : width === 0) throw unknownItem(`CBOR 0x${head.toString(16)}`);
        if (width > end - at) throw truncated();
        if (width === 8 && major > 1 && major < 7) throw unknownItem("a length of 64 bits");
        size =
          width === 1
            ? bytes[at]!
            : width === 2
              ? (bytes[at]! << 8) | bytes[at + 1]!
              : width === 4
                ? readUint32(bytes, at)
                : 0;
        at += width;
      }
      switch (major) {
        case 0:
        case 1:
          break;
        case 2:
          if (size > end - at) throw truncated();
          at += size;
          break;
        case 3:
          if (size > end - at) throw truncated();
          if (!isUtf8(bytes, at, at + size)) throw notUtf8();
          if (size > longTextBytes && isMark(bytes, at)) (marks ??= []).push(at);
          if (isKey && size === 9 && isProtoKey(bytes, at)) throw protoKey();
          at += size;
          break;
        case 4:
        case 5:
          if (size * (major - 3) > end - at) throw truncated();
          if (depth === maxDepth) throw tooDeep(maxDepth);
          lefts[depth] = left;
          maps[depth++] = map;
          map = major - 4;
          left = size * (major - 3);
          break;
        case 6:
          checkTag(bytes, at, end, size);
          left++; // the tagged item takes the tag's place
          break;
        default:
          if ((head & 0x1f) < 20) throw unknownItem(`CBOR simple value ${size}`);
      }
    }
  };

  // The tagged item itself is checked like any other afterwards; here only what the tag asks of it.
  function checkTag(bytes: Uint8Array, at: number, end: number, tag: number): void {
    if (at >= end) throw truncated();
    const head = bytes[at]!;
    const major = head >> 5;
    if (tag === 1) return checkDate(bytes, at, end, head);
    if (tag === 2 || tag === 3) {
      if (major !== 2 || sizeAt(bytes, at, end) > maxBigintBytes) throw badBigint();
      return;
    }
    if (tag === 0) {
      const size = sizeAt(bytes, at, end);
      if (major !== 3 || size < dateText.min || size > dateText.max) throw badDate();
      return checkDateText(bytes, at + (size < 24 ? 1 : 2), end, size);
    }
    const keys = shapeSizes[tag - firstShapeTag];
    if (keys === undefined) throw unknownItem(`CBOR tag ${tag}`);
    if (major !== 4 || sizeAt(bytes, at, end) !== keys)
      throw unknownItem(`shape ${tag - firstShapeTag} with other keys`);
  }
}

function checkDateText(bytes: Uint8Array, at: number, end: number, size: number): void {
  if (size > end - at) throw truncated();
  const text = String.fromCharCode(...bytes.subarray(at, at + size));
  if (!timestamp.test(text) || Number.isNaN(Date.parse(text))) throw badDate();
}

function checkDate(bytes: Uint8Array, at: number, end: number, head: number): void {
  if (head >> 5 < 2 && (head & 0x1f) < 27) return;
  const width = head === 0xfb ? 8 : head === 0xfa ? 4 : 0;
  if (width === 0) throw badDate();
  if (width > end - at - 1) throw truncated();
  for (let i = 0; i < width; i++) float.setUint8(i, bytes[at + 1 + i]!);
  const seconds = width === 8 ? float.getFloat64(0) : float.getFloat32(0);
  if (!(Math.abs(seconds) <= maxDateSeconds)) throw badDate();
}

/** The length in a head of at most five bytes. A head that is not whole says 0: the item after the tag fails then. */
function sizeAt(bytes: Uint8Array, at: number, end: number): number {
  const size = bytes[at]! & 0x1f;
  if (size < 24) return size;
  if (size === 24 && at + 1 < end) return bytes[at + 1]!;
  if (size === 25 && at + 2 < end) return (bytes[at + 1]! << 8) | bytes[at + 2]!;
  return size === 26 && at + 4 < end ? readUint32(bytes, at + 1) : -1;
}
