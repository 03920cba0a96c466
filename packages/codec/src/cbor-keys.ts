import { readString } from "./short-text.ts";

// Keys of this length at most are remembered; longer ones are rare.
const maxRemembered = 32;
const slots = 256;
const keys: string[] = Array.from({ length: slots }, () => "");

/**
 * A key of a map. The last key at each of 256 places is remembered, and compared byte for byte, so that whatever a
 * peer sends there can cost another message time but never change what it says.
 */
export function readKey(bytes: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size > maxRemembered || size === 0) return readString(bytes, start, end);
  const slot = (size * 31 + bytes[start]! * 7 + bytes[start + (size >> 1)]! * 13 + bytes[end - 1]! * 17) & (slots - 1);
  const key = keys[slot]!;
  if (key.length === size && isEqual(key, bytes, start)) return key;
  const read = readString(bytes, start, end);
  if (read.length !== size) return read; // not ASCII
  keys[slot] = interned(read);
  return keys[slot];
}

function isEqual(key: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}

// As the name of a property it is looked up among all names once, and from then on compared by its address.
function interned(key: string): string {
  return Object.keys({ [key]: 0 })[0]!;
}
