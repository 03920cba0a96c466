/// <reference lib="es2024.string" />

/**
 * Whether bytes just written may hold half a surrogate pair: cbor-x and msgpackr write one in a short string as
 * 0xed 0xa0–0xbf and two more, which is not UTF-8. The same bytes may be part of a float or of a Uint8Array.
 */
export function mayHoldSurrogate(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (end - start > 48) {
    const first = bytes.subarray(start, end).indexOf(0xed);
    if (first < 0) return false;
    at += first;
  }
  for (; at + 1 < end; at++) if (bytes[at] === 0xed && bytes[at + 1]! >= 0xa0) return true;
  return false;
}

/** Whether a string or key in a value that `inspect` has passed has half a surrogate pair. */
export function isIllFormed(value: unknown): boolean {
  if (typeof value === "string") return !value.isWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
  if (value instanceof Map) return isIllFormed([...value]);
  if (Array.isArray(value)) return value.some(isIllFormed);
  return Object.keys(value).some((key) => !key.isWellFormed() || isIllFormed((value as Record<string, unknown>)[key]));
}
