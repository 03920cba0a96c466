import { tooDeep } from "./malformed.ts";

const quote = 0x22;
const backslash = 0x5c;

/**
 * How deep JSON nests, refusing what is too deep: JSON.parse takes it, but whoever walks the result overflows. Counts
 * brackets outside strings; whether they match is JSON.parse's business.
 */
export function jsonDepth(bytes: Uint8Array, start: number, end: number, maxDepth: number): number {
  if (end - start <= maxDepth) return 0; // or little more: too short to be too deep
  let depth = 0;
  let deepest = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === quote) {
      while (++at < end) {
        const inside = bytes[at]!;
        if (inside === quote) break;
        if (inside === backslash) at++;
      }
      // The brackets of arrays and of objects differ in one bit.
    } else if ((byte | 0x20) === 0x7b) {
      if (++depth > deepest) {
        deepest = depth;
        if (depth > maxDepth) throw tooDeep(maxDepth);
      }
    } else if ((byte | 0x20) === 0x7d) depth--;
  }
  return deepest;
}
