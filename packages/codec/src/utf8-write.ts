declare const Buffer: { prototype: NodeBytes; byteLength(text: string): number } | undefined;
interface NodeBytes {
  utf8Write?(this: Uint8Array, text: string, at: number, length: number): number;
}

// Buffer's own is a native call without a view; it exists in Node, Bun and Deno, and takes any Uint8Array.
const { utf8Write } = typeof Buffer === "undefined" ? ({} as NodeBytes) : Buffer.prototype;
const encoder = new TextEncoder();

/** Writes the text as UTF-8, in at most `size` bytes, and says in how many. Half a surrogate pair becomes U+FFFD. */
export const writeUtf8: (buffer: Uint8Array, text: string, at: number, size: number) => number =
  utf8Write === undefined
    ? (buffer, text, at, size) => encoder.encodeInto(text, buffer.subarray(at, at + size)).written
    : (buffer, text, at, size) => utf8Write.call(buffer, text, at, size);

// For a text up to this long the largest size it can have will do, a longer one is measured first.
const shortUnits = 2048;

/** Bytes that hold the text as UTF-8. */
export const utf8Size: (text: string) => number =
  typeof Buffer === "undefined"
    ? (text) => text.length * 3
    : (text) => (text.length > shortUnits ? Buffer!.byteLength(text) : text.length * 3);
