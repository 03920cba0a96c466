/**
 * cbor-x and msgpackr read strings of more than 64 bytes with a TextDecoder that swallows a byte order mark at the
 * start, as the text of many files has one. So each is replaced, in a copy of the message, by a noncharacter that the
 * message has nowhere else, and put back into what was decoded.
 */
export const longTextBytes = 64;

/** Whether a byte order mark (EF BB BF) is at `at`. */
export function isMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

/** Decodes the message from `start` to `end` with `decode`; `marks` are the positions of its marks in `bytes`. */
export function decodeMarked(
  decode: (bytes: Uint8Array, start: number, end: number) => unknown,
  bytes: Uint8Array,
  start: number,
  end: number,
  marks: readonly number[],
): unknown {
  const copy = Uint8Array.prototype.slice.call(bytes, start, end);
  const stand = unusedNoncharacter(copy);
  for (const at of marks) copy.set([0xef, 0xb7, stand - firstNoncharacter + 0x90], at - start);
  return putBack(decode(copy, 0, copy.length), String.fromCharCode(stand));
}

// U+FDD0 to U+FDEF, in UTF-8 EF B7 90 to EF B7 AF.
const firstNoncharacter = 0xfdd0;

function unusedNoncharacter(bytes: Uint8Array): number {
  const used = new Set<number>();
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1))
    if (bytes[at + 1] === 0xb7) used.add(bytes[at + 2]!);
  for (let last = 0x90; last <= 0xaf; last++) if (!used.has(last)) return firstNoncharacter + last - 0x90;
  throw new Error("the message has byte order marks and every noncharacter");
}

function putBack(value: unknown, stand: string): unknown {
  if (typeof value === "string") return value.startsWith(stand) ? `\ufeff${value.slice(1)}` : value;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map((item) => putBack(item, stand));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [putBack(key, stand), putBack(item, stand)]));
}
