import { isMark, longTextBytes } from "./byte-order-marks.ts";
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

const undefinedType = 0x00;
const bigintType = 0x42;
const timestampType = 0xff;
const maxDateSeconds = 8_640_000_000_000n; // ECMA-262, time values

/**
 * Reads the whole structure of a message before msgpackr does, and lets only what this package sends go on: msgpackr
 * recurses without limit, and knows extensions that define records, refer back, or make errors and regular expressions.
 * One pass, no allocation but for dates; after it every length is known to be there.
 *
 * @returns a check that throws, or gives the positions of byte order marks if there are any that msgpackr would swallow
 */
export function msgpackGuard(maxDepth: number) {
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
      if (head < 0x80 || head >= 0xe0) {
        if (isKey) throw badKey();
        continue;
      }
      let text = -1;
      let items = -1;
      if (head < 0x90) items = head - 0x80;
      else if (head < 0xa0) items = head - 0x90;
      else if (head < 0xc0) text = head - 0xa0;
      else {
        const width = widths[head - 0xc0]!;
        if (width < 0) throw unknownItem("MessagePack 0xc1");
        if (width > end - at) throw truncated();
        const isSized = head >= 0xd9 || (head >= 0xc4 && head <= 0xc9);
        const size = isSized ? readSize(bytes, at, width) : 0;
        at += width;
        if (head >= 0xdc) items = size;
        else if (head >= 0xd9) text = size;
        else if (head >= 0xc7 && isExtension(head)) {
          const bytesIn = head >= 0xd4 ? 1 << (head - 0xd4) : size;
          if (bytesIn >= end - at) throw truncated();
          checkExtension(bytes, at, bytesIn, head);
          at += bytesIn + 1;
        } else if (isSized) {
          if (size > end - at) throw truncated();
          at += size;
        }
      }
      if (text >= 0) {
        if (text > end - at) throw truncated();
        if (!isUtf8(bytes, at, at + text)) throw notUtf8();
        if (text > longTextBytes && isMark(bytes, at)) (marks ??= []).push(at);
        if (isKey && text === 9 && isProtoKey(bytes, at)) throw protoKey();
        at += text;
      } else if (isKey) throw badKey();
      if (items >= 0) {
        const isMap = head < 0x90 || head >= 0xde ? 1 : 0;
        if (items * (isMap + 1) > end - at) throw truncated();
        if (depth === maxDepth) throw tooDeep(maxDepth);
        lefts[depth] = left;
        maps[depth++] = map;
        map = isMap;
        left = items * (isMap + 1);
      }
    }
  };
}

// Bytes after each head from 0xc0 on: of a number its value, of the rest the length. 0xc1 is never used.
const widths = [0, -1, 0, 0, 1, 2, 4, 1, 2, 4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4];

function isExtension(head: number): boolean {
  return head <= 0xc9 || (head >= 0xd4 && head <= 0xd8);
}

function readSize(bytes: Uint8Array, at: number, width: number): number {
  let size = 0;
  for (let i = 0; i < width; i++) size = size * 256 + bytes[at + i]!;
  return size;
}

function checkExtension(bytes: Uint8Array, at: number, size: number, head: number): void {
  const type = bytes[at];
  if (type === timestampType) return checkDate(bytes, at + 1, size);
  if (type === bigintType) {
    // msgpackr writes whole words of 64 bits, and one more where the sign needs it.
    if (size === 0 || size > maxBigintBits / 8 + 8) throw badBigint();
  } else if (type !== undefinedType || head !== 0xd4) throw unknownItem(`MessagePack extension ${type}`);
}

function checkDate(bytes: Uint8Array, at: number, size: number): void {
  if (size === 4 || size === 8) return;
  if (size !== 12) throw badDate();
  let seconds = 0n;
  for (let i = 4; i < 12; i++) seconds = (seconds << 8n) | BigInt(bytes[at + i]!);
  seconds = BigInt.asIntN(64, seconds);
  if (seconds > maxDateSeconds || seconds < -maxDateSeconds) throw badDate();
}
