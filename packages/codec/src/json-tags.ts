/// <reference lib="es2024.string" />

import { fromBase64, toBase64 } from "./base64.ts";
import { maxBigintBits, tagKey } from "./inspect.ts";
import { badBigint, badDate, protoKey, unknownItem } from "./malformed.ts";
import type { Form } from "./rewrite.ts";

/**
 * What JSON lacks is an object with one key: `{"$bigint":"12"}`, `{"$bytes":"AQI="}` (base64), `{"$date":"2024-…Z"}`
 * (ISO 8601 as of Date.toISOString), `{"$number":"NaN"}` (or Infinity, -Infinity), `{"$undefined":true}`. A user's
 * object that reads like one gets another dollar sign in front: `{"$date":1}` is sent as `{"$$date":1}`.
 */
export const jsonForm: Form = {
  special(value) {
    if (typeof value === "bigint") return { $bigint: String(value) };
    if (typeof value === "number") return { $number: String(value) };
    if (value instanceof Date) return { $date: value.toISOString() };
    return value === undefined ? { $undefined: true } : { $bytes: toBase64(value as Uint8Array) };
  },
  object(copy) {
    const keys = Object.keys(copy);
    return keys.length === 1 && tagKey.test(keys[0]!) ? { [`$${keys[0]}`]: copy[keys[0]!] } : copy;
  },
};

/**
 * The value that was sent. Changes the objects and arrays of `json` in place.
 * @throws Error on a malformed tag, a key named __proto__, or more than `depth` levels
 */
export function untag(json: unknown, depth: number): unknown {
  if (typeof json === "string") return json.toWellFormed();
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) {
    if (depth === 0) throw new Error("the message nests too deep");
    for (let i = 0; i < json.length; i++) json[i] = untag(json[i], depth - 1);
    return json;
  }
  const object = json as Record<string, unknown>;
  const keys = Object.keys(object);
  if (keys.includes("__proto__")) throw protoKey();
  if (keys.length === 1 && tagKey.test(keys[0]!) && !keys[0]!.startsWith("$$"))
    return readTag(keys[0]!, object[keys[0]!]);
  if (depth === 0) throw new Error("the message nests too deep");
  if (keys.length === 1 && tagKey.test(keys[0]!)) return { [keys[0]!.slice(1)]: untag(object[keys[0]!], depth - 1) };
  if (!keys.every((key) => key.isWellFormed())) {
    return Object.fromEntries(keys.map((key) => [key.toWellFormed(), untag(object[key], depth - 1)]));
  }
  for (const key of keys) object[key] = untag(object[key], depth - 1);
  return object;
}

function readTag(key: string, value: unknown): unknown {
  if (typeof value !== "string" && key !== "$undefined") throw unknownItem(`${key} without a string`);
  return readers[key]!(value as string);
}

// Digits of the largest bigint, so that a longer text is never parsed.
const maxDigits = String(1n << BigInt(maxBigintBits)).length;
const integer = /^-?(?:0|[1-9]\d*)$/;

const readers: Record<string, (text: string) => unknown> = {
  $bigint(text) {
    if (text.length > maxDigits + 1 || !integer.test(text)) throw badBigint();
    return BigInt(text);
  },
  $bytes(text) {
    const bytes = fromBase64(text);
    if (bytes === undefined) throw unknownItem("$bytes that are not base64");
    return bytes;
  },
  $date(text) {
    const date = new Date(text);
    if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw badDate();
    return date;
  },
  $number(text) {
    if (text !== "NaN" && text !== "Infinity" && text !== "-Infinity") throw unknownItem("$number with another name");
    return Number(text);
  },
  $undefined(value: unknown) {
    if (value !== true) throw unknownItem("$undefined that is not true");
  },
};
