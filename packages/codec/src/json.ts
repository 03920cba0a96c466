import type { Codec, MessageCodec } from "@farcall/core";
import { inspect, needsCopy, needsEscape, needsTag } from "./inspect.ts";
import { jsonDepth } from "./json-depth.ts";
import { jsonForm, untag } from "./json-tags.ts";
import { readText, writeText } from "./json-text.ts";
import { rewrite } from "./rewrite.ts";
import { isIllFormed } from "./surrogates.ts";

export interface JsonOptions {
  /** Arrays and objects inside one another, in both directions. Default 64. */
  readonly maxDepth?: number;
}

/**
 * JSON. A value that JSON has is exactly what JSON.stringify makes of it; the rest is tagged (see `jsonForm`).
 * Needs no library.
 */
export function json(options: JsonOptions = {}): Codec {
  const message = createMessageCodec(options.maxDepth ?? 64);
  return { name: "json", message: () => message };
}

function createMessageCodec(maxDepth: number): MessageCodec {
  return {
    encode(value, into) {
      const flags = inspect(value, maxDepth);
      const isJson = (flags & (needsTag | needsEscape | needsCopy)) === 0;
      const text = JSON.stringify(isJson ? value : rewrite(value, maxDepth, jsonForm));
      // JSON.stringify escapes half a surrogate pair; elsewhere in a text the same characters are rare.
      const isWhole = !isJson || !text.includes("\\ud") || !isIllFormed(value);
      writeText(isWhole ? text : JSON.stringify(rewrite(value, maxDepth, jsonForm)), into);
    },
    decode(bytes, start, end) {
      const text = readText(bytes, start, end);
      // One level more, for a tag, which is an object to JSON and not to the user.
      const depth = jsonDepth(text, maxDepth + 1);
      const value: unknown = JSON.parse(text);
      return depth > maxDepth || mayNeedUntag(text) ? untag(value, maxDepth) : value;
    },
  };
}

// Without one of these no key starts with a dollar sign or is __proto__, and no surrogate is alone, not even escaped.
function mayNeedUntag(text: string): boolean {
  return text.includes('"$') || text.includes("\\u") || text.includes("__proto__");
}
