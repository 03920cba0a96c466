import { isDeepStrictEqual } from "node:util";
import { ByteWriter, type MessageCodec } from "@farcall/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cborXForm } from "../src/cbor-x-form.ts";
import { cbor } from "../src/cbor.ts";
import { shapesOf } from "../src/shapes.ts";

// cbor-x behind its guard is what a message means; the fast path must not differ from it in a single byte.
const maxDepth = 6;
const line = z.object({ sku: z.string(), count: z.number(), note: z.string().optional() });
const schema = z.object({
  id: z.string(),
  at: z.date().optional(),
  total: z.bigint(),
  lines: z.array(line),
  extra: z.any().optional(),
  more: z.any().optional(),
});
const message = cbor({ maxDepth }).message({ name: "test", schema });
const forms = [
  { name: "self-describing", positional: false, reference: cborXForm(maxDepth, []) },
  { name: "positional", positional: true, reference: cborXForm(maxDepth, shapesOf(schema)) },
];

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme", minLength: 20, maxLength: 300 }),
  fc.nat(300).map((length) => "x".repeat(length)),
  fc.nat(100).map((length) => "ä".repeat(length)),
  fc.tuple(fc.string(), fc.constantFrom("\ud800", "\udc00x", "\ufeff"), fc.string()).map((parts) => parts.join("")),
);
const number = fc.oneof(
  fc.constantFrom(-0, 0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53),
  fc.integer(),
  fc.integer({ min: -(2 ** 33), max: 2 ** 33 }),
  fc.double(),
);
const rare: fc.Arbitrary<unknown>[] = [
  fc.constantFrom(undefined, NaN, Infinity, 2n ** 64n, -(2n ** 64n), -(2n ** 64n) - 1n, 2n ** 1025n),
  fc.constantFrom(new Date(NaN), new Date(2 ** 50), new Map(), () => 1, Symbol("s"), new Float32Array(1)),
  fc.constant({ toJSON: () => ({ sku: "a", count: 1 }) }),
  fc.constant(
    new (class Point {
      x = 1;
    })(),
  ),
  fc.constant(JSON.parse('{"__proto__":1}')),
  fc.constant(Object.assign(Object.create(null) as object, { count: 1, sku: "b" })),
  fc.constant({ "\ud800": 1, "\ud801": 2 }),
  fc.constant(Object.assign([] as unknown[], { 2: 1 })),
];
const plain = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  fc.date({ noInvalidDate: true }),
  fc.nat(4_000_000_000).map((seconds) => new Date(seconds * 1000)),
  fc.uint8Array({ maxLength: 100 }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);
const key = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("sku", "count", "note", "id", "toJSON"),
);
const values = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: "small", maxDepth: 8 },
    { arbitrary: plain, weight: 20 },
    { arbitrary: fc.oneof(...rare), weight: 1 },
    { arbitrary: fc.array(tie("any"), { maxLength: 30 }), weight: 3 },
    { arbitrary: fc.dictionary(key, tie("any"), { maxKeys: 30 }), weight: 3 },
    { arbitrary: tie("line"), weight: 6 },
    { arbitrary: tie("order"), weight: 3 },
  ),
  line: fc.record({ sku: tie("any"), count: number, note: tie("any") }, { requiredKeys: ["sku", "count"] }),
  order: fc.oneof(
    fc.record(
      {
        id: text,
        at: fc.date(),
        total: fc.bigInt(),
        lines: fc.array(tie("line")),
        extra: tie("any"),
        more: tie("any"),
      },
      { requiredKeys: ["id", "total", "lines"] },
    ),
    fc.record({ lines: fc.array(tie("line")), total: number, id: text }),
  ),
}));

type Outcome = { value: unknown } | { error: string };

function outcome(run: () => unknown): Outcome {
  try {
    return { value: run() };
  } catch (error) {
    return { error: String(error) };
  }
}

function encoded(codec: MessageCodec, value: unknown, positional: boolean): Uint8Array {
  const writer = new ByteWriter(32);
  writer.write(new Uint8Array([1, 2, 3]));
  try {
    codec.encode(value, writer, positional);
  } catch (error) {
    throw writer.position === 3 ? error : new Error("the writer was left elsewhere");
  }
  return new Uint8Array(writer.buffer.subarray(3, writer.position));
}

function decoded(codec: MessageCodec, bytes: Uint8Array, positional: boolean): unknown {
  return codec.decode(bytes, 0, bytes.length, positional);
}

describe.each(forms)("the fast path, $name", ({ positional, reference }) => {
  test("writes the bytes that cbor-x writes, and fails where and as it fails", () => {
    // A failure prints its seed; `fc.assert(…, { seed })` repeats it.
    fc.assert(
      fc.property(values.any!, (value) => {
        const fast = outcome(() => encoded(message, value, positional));
        expect(fast).toStrictEqual(outcome(() => encoded(reference, value, positional)));
      }),
      { numRuns: 3000 },
    );
  });

  test("reads what cbor-x reads", () => {
    fc.assert(
      fc.property(values.any!, (value) => {
        const sent = outcome(() => encoded(reference, value, positional));
        fc.pre("value" in sent);
        const { value: bytes } = sent as { value: Uint8Array };
        const read = decoded(message, bytes, positional);
        expect(isDeepStrictEqual(read, decoded(reference, bytes, positional))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("agrees with cbor-x on 20,000 damaged messages", () => {
    const seed = Date.now() >>> 0;
    const random = generator(seed);
    const good = fc
      .sample(fc.oneof(values.order!, values.line!, values.any!), { seed, numRuns: 400 })
      .map((value) => outcome(() => encoded(reference, value, positional)))
      .flatMap((sent) =>
        "value" in sent && (sent.value as Uint8Array).length < 600 ? [sent.value as Uint8Array] : [],
      );
    expect(good.length).toBeGreaterThan(100);
    for (let i = 0; i < 20_000; i++) {
      const bytes = damage(good[i % good.length]!, random);
      const fast = outcome(() => decoded(message, bytes, positional));
      const slow = outcome(() => decoded(reference, bytes, positional));
      if (!isDeepStrictEqual(fast, slow)) {
        throw new Error(`seed ${seed}: ${Buffer.from(bytes).toString("hex")}: ${show(fast)} instead of ${show(slow)}`);
      }
    }
  });
});

describe("a large byte array", () => {
  const data = new Uint8Array(100_000).fill(7);
  const bytes = encoded(message, { data, more: [data.subarray(0, 10)] }, false);

  test("is a view of a message that is the decoder's own, and a copy of any other", () => {
    for (const owned of [true, false]) {
      const read = message.decode(bytes, 0, bytes.length, false, owned) as { data: Uint8Array; more: Uint8Array[] };
      expect(read).toStrictEqual({ data, more: [data.subarray(0, 10)] });
      expect(read.data.buffer === bytes.buffer).toBe(owned);
      expect(read.more[0]!.buffer === bytes.buffer).toBe(false);
    }
  });

  test("does not keep a message that is more than twice as large", () => {
    const among = encoded(message, [data, data, data], false);
    const read = message.decode(among, 0, among.length, false, true) as Uint8Array[];
    expect(read.some((item) => item.buffer === among.buffer)).toBe(false);
  });

  test("grows the writer's buffer once", () => {
    const writer = new ByteWriter(64);
    let reserved = 0;
    const { reserve } = writer;
    writer.reserve = (size) => {
      reserved++;
      reserve.call(writer, size);
    };
    message.encode({ data }, writer, false);
    expect(reserved).toBe(1);
  });
});

test("objects that are guessed wrong on every level take no more than a few attempts each", () => {
  const seed = Date.now() >>> 0;
  const random = generator(seed);
  const nested = z.object({ kid: z.any(), last: z.number().optional() });
  const deep = cbor().message({ name: "test", schema: nested });
  let asked = 0;
  const level = (kid: unknown, isLast: boolean): object =>
    Object.defineProperty(isLast ? { kid, last: 1 } : { kid }, "kid", {
      enumerable: true,
      get() {
        if (++asked > 60 * 100) throw new Error(`seed ${seed}: asked without end`);
        return kid;
      },
    });
  for (let round = 0; round < 20; round++) {
    let value: unknown = null;
    for (let i = 0; i < 60; i++) value = level(value, random(2) === 0);
    asked = 0;
    const bytes = encoded(deep, value, true);
    asked = 0;
    expect(JSON.stringify(deep.decode(bytes, 0, bytes.length, true))).toBe(JSON.stringify(value));
  }
});

// Heads are where damage tells most.
const heads = [0x00, 0x18, 0x1a, 0x1b, 0x3b, 0x40, 0x58, 0x5a, 0x61, 0x78, 0x7a, 0x80, 0x98, 0x9a, 0x9f, 0xa1, 0xb8];
const tags = [0xc0, 0xc1, 0xc2, 0xd8, 0xd9, 0xe0, 0xf4, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xff, 0x7f, 0xed, 0xef];

function damage(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = [...bytes];
  for (let i = random(3); i >= 0 && copy.length > 0; i--) {
    const at = random(copy.length);
    const byte = random(2) === 0 ? random(256) : [...heads, ...tags][random(heads.length + tags.length)]!;
    const how = random(6);
    if (how === 0) copy.splice(at, 1 + random(4));
    else if (how === 1) copy.splice(at, 0, byte);
    else if (how === 2) copy.length = at;
    else if (how === 3) copy[at] = (copy[at]! + 1) & 0xff;
    else copy[at] = byte;
  }
  return new Uint8Array(copy);
}

function show(outcome: Outcome): string {
  return "error" in outcome
    ? outcome.error
    : JSON.stringify(outcome, (_, item) => (typeof item === "bigint" ? `${item}n` : item));
}

/** Integers below a bound, the same for the same seed (a linear congruence, Numerical Recipes). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
