import { readText } from "./json-text.ts";

const { fromCharCode } = String;

/**
 * The string in the bytes from `start` to `end`.
 * @throws Error when they are not UTF-8
 */
export function readString(bytes: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size > 24) return readText(bytes, start, end);
  let text = "";
  let at = start;
  // Strings of up to 12 characters are flat when they are joined; longer ones would be trees.
  let bits = 0;
  for (let i = start; i < end; i++) bits |= bytes[i]!;
  if (bits > 0x7f) return readText(bytes, start, end);
  switch (size) {
    case 0:
      return "";
    case 1:
      return fromCharCode(bytes[at]!);
  }
  const units: number[] = [];
  for (; at < end; at++) units.push(bytes[at]!);
  text = fromCharCode.apply(String, units);
  return text;
}
