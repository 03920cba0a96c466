import type { ByteWriter } from "@farcall/core";
import { notUtf8 } from "./malformed.ts";
import { isUtf8 } from "./utf8.ts";

declare const Buffer: { prototype: NodeBytes; byteLength(text: string): number } | undefined;
interface NodeBytes {
  utf8Write?(this: Uint8Array, text: string, at: number, length: number): number;
  utf8Slice?(this: Uint8Array, start: number, end: number): string;
}

// Buffer's own are native calls without a view; they exist in Node, Bun and Deno, and take any Uint8Array.
const { utf8Write, utf8Slice } = typeof Buffer === "undefined" ? ({} as NodeBytes) : Buffer.prototype;

// For a text up to this long the largest size it can have is reserved, a longer one is measured first.
const shortUnits = 2048;

/** Appends a well-formed text as UTF-8. */
export const writeText: (text: string, into: ByteWriter) => void =
  utf8Write === undefined
    ? writeInBrowser
    : (text, into) => {
        const size = text.length > shortUnits ? Buffer!.byteLength(text) : text.length * 3;
        into.reserve(size);
        into.position += utf8Write.call(into.buffer, text, into.position, size);
      };

const encoder = new TextEncoder();

function writeInBrowser(text: string, into: ByteWriter): void {
  let rest = text;
  while (rest.length > 0) {
    // At least three: room for any character, so that each turn gets on.
    into.reserve(rest.length + 3);
    const { read, written } = encoder.encodeInto(rest, into.buffer.subarray(into.position));
    into.position += written;
    rest = read === rest.length ? "" : rest.slice(read);
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const slice: (bytes: Uint8Array, start: number, end: number) => string =
  utf8Slice === undefined
    ? (bytes, start, end) => decoder.decode(bytes.subarray(start, end))
    : (bytes, start, end) => utf8Slice.call(bytes, start, end);

/** @throws Error when the bytes are not UTF-8 */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  const text = slice(bytes, start, end);
  // Where the bytes are wrong there is a replacement character; where there is one they may also be right.
  if (text.includes("\ufffd") && !isUtf8(bytes, start, end)) throw notUtf8();
  return text;
}
