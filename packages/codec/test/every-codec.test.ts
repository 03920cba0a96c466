import { isDeepStrictEqual } from "node:util";
import { ByteWriter, type Codec, type } from "@farcall/core";
import { everyCodecEqual } from "@farcall/core/compliance";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import { json } from "../src/json.ts";
import { msgpack } from "../src/msgpack.ts";

const codecs = [json(), cbor(), msgpack()];

everyCodecEqual({ describe, test }, codecs);

function roundTrip(codec: Codec, value: unknown): unknown {
  const message = codec.message({ name: "test", schema: type<unknown>() });
  const writer = new ByteWriter(16);
  message.encode(value, writer, false);
  return message.decode(writer.buffer, 0, writer.position, false);
}

const anything = fc.anything({
  withBigInt: true,
  withUnicodeString: true,
  withNullPrototype: false,
  maxDepth: 5,
  key: fc
    .oneof(fc.string(), fc.constantFrom("$date", "$$date", "$bytes", "constructor", "toString"))
    .filter((key) => key !== "__proto__"),
  values: [
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string({ unit: "binary" }),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes)),
  ],
});

test("whatever may be sent arrives equal in every codec", () => {
  // A failure prints its seed; `fc.assert(…, { seed })` repeats it.
  fc.assert(
    fc.property(anything, (value) => {
      const [first, ...others] = codecs.map((codec) => roundTrip(codec, value));
      for (const other of others) expect(isDeepStrictEqual(other, first)).toBe(true);
      expect(isDeepStrictEqual(first, zeroed(value))).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("JSON is what JSON.stringify gives, for values that JSON has", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      fc.pre(!JSON.stringify(value).includes('"$') && !JSON.stringify(value).includes("__proto__"));
      const writer = new ByteWriter(16);
      json().message({ name: "test", schema: type<unknown>() }).encode(value, writer, false);
      expect(new TextDecoder().decode(writer.buffer.subarray(0, writer.position))).toBe(JSON.stringify(value));
    }),
  );
});

/** The value with 0 for -0, which deep equality tells apart, and without undefined properties. */
function zeroed(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return Array.from(value, zeroed);
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, zeroed(item)]])),
  );
}

test.each(codecs)("a date at the deepest level is sent, whatever else must be copied: $name", ({ name }) => {
  const codec = { json, cbor, msgpack }[name as "cbor"]({ maxDepth: 2 });
  expect(roundTrip(codec, { a: { at: new Date(5), b: undefined, "\ud800": 1n << 100n } })).toStrictEqual({
    a: { at: new Date(5), "\ufffd": 1n << 100n },
  });
});
