import { ByteWriter, type } from "@farcall/core";
import { expect, test } from "vitest";
import { json } from "../src/json.ts";

const message = json().message({ name: "test", schema: type<unknown>() });

function textOf(value: unknown): string {
  const writer = new ByteWriter(16);
  message.encode(value, writer, false);
  return new TextDecoder().decode(writer.buffer.subarray(0, writer.position));
}

function valueOf(text: string): unknown {
  const bytes = new TextEncoder().encode(text);
  return message.decode(bytes, 0, bytes.length, false);
}

test.each([
  [{ a: [1, "x", null, true], b: { $ref: "#" } }, '{"a":[1,"x",null,true],"b":{"$ref":"#"}}'],
  [5n, '{"$bigint":"5"}'],
  [new Uint8Array([1, 2]), '{"$bytes":"AQI="}'],
  [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
  [[NaN, -Infinity], '[{"$number":"NaN"},{"$number":"-Infinity"}]'],
  [undefined, '{"$undefined":true}'],
  [{ $date: 1 }, '{"$$date":1}'],
  [{ $$date: 1 }, '{"$$$date":1}'],
  [{ $date: 1, more: 2 }, '{"$date":1,"more":2}'],
])("%o is %s", (value, text) => {
  expect(textOf(value)).toBe(text);
  expect(valueOf(text)).toStrictEqual(value);
});

test("an object that reads like a tag once its undefined properties are gone is escaped", () => {
  expect(textOf({ $date: 1, more: undefined })).toBe('{"$$date":1}');
});

test("what other languages write is read", () => {
  expect(valueOf(' { "a" : "\\u00e4\\ud83d\\ude00" , "b" : [ 1e2 ] } \n')).toStrictEqual({ a: "ä😀", b: [100] });
  expect(valueOf('"\\ud83d"')).toBe("\ufffd");
});

test("many brackets are no depth", () => {
  const flat = Array.from({ length: 500 }, () => ({ text: "[[[{{{", list: [] }));
  expect(valueOf(JSON.stringify(flat))).toStrictEqual(flat);
});
