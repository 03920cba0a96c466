declare const Buffer:
  | {
      from(
        buffer: ArrayBufferLike | string,
        offset: number | "base64",
        length?: number,
      ): Uint8Array & { toString(encoding: "base64"): string };
    }
  | undefined;

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/;

/** Base64 of RFC 4648 section 4, with padding. */
export const toBase64: (bytes: Uint8Array) => string =
  typeof Buffer === "undefined" ? toBase64InBrowser : toBase64InNode;

/** Undefined when the text is not base64 of RFC 4648 section 4, with padding. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !alphabet.test(text)) return undefined;
  // A plain Uint8Array in Node too, so that it equals what the other codecs give.
  if (typeof Buffer !== "undefined") return new Uint8Array(Buffer.from(text, "base64"));
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBase64InNode(bytes: Uint8Array): string {
  return Buffer!.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

// fromCharCode takes its characters as arguments, of which there cannot be too many.
const chunkBytes = 8192;

function toBase64InBrowser(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + chunkBytes));
  }
  return btoa(binary);
}

declare function atob(text: string): string;
declare function btoa(binary: string): string;
