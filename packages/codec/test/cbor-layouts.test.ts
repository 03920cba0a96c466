import { ByteWriter, type MessageCodec, type Schema, type } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { cbor } from "../src/cbor.ts";
import { hex } from "./hex.ts";

const line = z.object({ sku: z.string(), count: z.number(), note: z.string().optional() });
const order = z.object({ id: z.string(), at: z.date(), total: z.bigint(), lines: z.array(line), extra: z.any() });

function codecOf(schema: Schema): MessageCodec {
  return cbor().message({ name: "shop.v1.Shop/order#input", schema });
}

function bytesOf(message: MessageCodec, value: unknown, positional: boolean): Uint8Array {
  const writer = new ByteWriter(16);
  message.encode(value, writer, positional);
  return writer.buffer.slice(0, writer.position);
}

function arrives(schema: Schema, value: unknown): unknown {
  const bytes = bytesOf(codecOf(schema), value, true);
  return codecOf(schema).decode(bytes, 0, bytes.length, true);
}

const sent = {
  id: "o-1",
  at: new Date(5),
  total: 7n,
  lines: [
    { sku: "a", count: 1, note: "n" },
    { sku: "b", count: 2 },
  ],
  extra: null,
};

describe("a positional message", () => {
  test("leaves out the keys that the schema names", () => {
    const message = codecOf(order);
    const short = bytesOf(message, sent, true);
    expect(Buffer.from(short).includes("sku")).toBe(false);
    expect(short.length).toBeLessThan(bytesOf(message, sent, false).length);
    expect(arrives(order, sent)).toStrictEqual(sent);
  });

  test("decodes to ordinary objects, also once the readers are compiled", () => {
    const message = codecOf(order);
    const bytes = bytesOf(message, sent, true);
    for (let i = 0; i < 10; i++) expect(message.decode(bytes, 0, bytes.length, true)).toStrictEqual(sent);
  });

  test.each([
    ["keys in another order", { ...sent, lines: [{ count: 1, note: "n", sku: "a" }] }],
    ["a key that the schema does not name", { ...sent, lines: [{ sku: "a", count: 1, note: "n", colour: "red" }] }],
    ["a key in place of another", { ...sent, lines: [{ sku: "a", amount: 1 }] }],
    ["the first keys only", { ...sent, lines: [{ sku: "a" }] }],
    ["an empty object", { ...sent, lines: [{}], extra: {} }],
    [
      "objects that no schema describes",
      {
        ...sent,
        extra: [
          { x: 1, y: { z: [{}] } },
          { sku: 1, count: "2" },
        ],
      },
    ],
    ["a value of another type altogether", ["not", "an", "order"]],
  ])("carries %s, again and again", (_, value) => {
    const message = codecOf(order);
    for (let i = 0; i < 5; i++) {
      const odd = bytesOf(message, value, true);
      expect(codecOf(order).decode(odd, 0, odd.length, true)).toStrictEqual(value);
      const usual = bytesOf(message, sent, true);
      expect(codecOf(order).decode(usual, 0, usual.length, true)).toStrictEqual(sent);
    }
  });

  test("carries what needs a copy", () => {
    expect(
      arrives(order, { ...sent, extra: { toJSON: () => ({ sku: "\ud800", count: 1, note: undefined }) } }),
    ).toStrictEqual({
      ...sent,
      extra: { sku: "\ufffd", count: 1 },
    });
  });

  // The keys that an object says it has, each time it is asked. A bigint beyond 64 bits is left to cbor-x, which asks again.
  function changing(large: bigint | number, ...answers: string[][]): object {
    let asked = 0;
    return new Proxy(
      { a: large, b: 2 },
      {
        ownKeys: () => answers[Math.min(asked++, answers.length - 1)]!,
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
      },
    );
  }
  function failsOrNot(run: () => unknown): number {
    try {
      run();
      return 0;
    } catch (error) {
      if (!String(error).includes("changed while")) throw error;
      return 1;
    }
  }
  const pair = z.object({ a: z.any(), b: z.number() });

  test("is refused, and the table kept, when an object changes its keys while it is encoded", () => {
    const message = codecOf(pair);
    let refused = 0;
    for (let stable = 1; stable < 8; stable++) {
      const answers = Array.from({ length: stable }, () => ["a", "b"]);
      const value = changing(1n << 70n, ...answers, ["a", "b", "c"]);
      refused += failsOrNot(() => bytesOf(message, value, true));
      const bytes = bytesOf(message, { a: 1, b: 2 }, true);
      expect(codecOf(pair).decode(bytes, 0, bytes.length, true)).toStrictEqual({ a: 1, b: 2 });
      const longer = bytesOf(message, { a: 1, b: 2, c: 3 }, true);
      expect(codecOf(pair).decode(longer, 0, longer.length, true)).toStrictEqual({ a: 1, b: 2, c: 3 });
    }
    expect(refused).toBeGreaterThan(0);
  });

  test("is what an object said when it was asked, if it was asked once", () => {
    const bytes = bytesOf(codecOf(pair), changing(1, ["a", "b"], ["a", "b", "c"]), true);
    expect(codecOf(pair).decode(bytes, 0, bytes.length, true)).toStrictEqual({ a: 1, b: 2 });
  });

  test("keeps a date at the end of time", () => {
    expect(arrives(order, { ...sent, at: new Date(8.64e15 - 1) })).toStrictEqual({
      ...sent,
      at: new Date(8.64e15 - 1),
    });
  });

  test.each([
    ["defines a structure", hex("d9dfff 83 19e000 82 6162 6161 01 02")],
    ["defines structures", hex("d9dffe 83 19e000 82 6162 6161 d9e000 82 01 02")],
    ["defines one the old way", hex("d869 83 19e000 82 6162 6161 01")],
    ["leaves out a value", hex("d9e000 81 01")],
    ["adds a value", hex("d9e000 83 01 02 03")],
    ["names a shape that is not in the table", hex("d9e001 81 01")],
    ["has a map where the values belong", hex("d9e000 a1 6161 01")],
    ["ends after the shape", hex("d9e000")],
  ])("is refused when it %s, and the next one is read as ever", (_, bytes) => {
    const message = codecOf(z.object({ a: z.number(), b: z.number() }));
    expect(() => message.decode(bytes, 0, bytes.length, true)).toThrow(/^the message/);
    const good = hex("d9e000 82 01 02");
    expect(message.decode(good, 0, good.length, true)).toStrictEqual({ a: 1, b: 2 });
    expect(() => message.decode(good, 0, good.length, false)).toThrow("not sent here");
  });
});

describe("a layout", () => {
  test("is the same for the same schema, in another process too", () => {
    const { layout } = codecOf(z.object({ a: z.number(), b: z.string().optional() }));
    expect(layout).toStrictEqual(codecOf(z.object({ a: z.bigint(), b: z.string().optional() })).layout);
    expect(Buffer.from(layout!).toString("hex")).toMatch(/^[0-9a-f]{64}$/);
  });

  test("differs when a key is added, renamed, moved or becomes optional", () => {
    const layouts = [
      z.object({ a: z.number(), b: z.number() }),
      z.object({ a: z.number(), x: z.number(), b: z.number() }),
      z.object({ a: z.number(), c: z.number() }),
      z.object({ b: z.number(), a: z.number() }),
      z.object({ a: z.number(), b: z.number().optional() }),
    ].map((schema) => Buffer.from(codecOf(schema).layout!).toString("hex"));
    expect(new Set(layouts).size).toBe(layouts.length);
  });

  test("comes from objects that refer to themselves, unions, records and intersections", () => {
    const tree: z.ZodType = z.object({
      name: z.string(),
      get kids() {
        return z.array(tree);
      },
    });
    const shape = z.union([
      z.object({ kind: z.literal("c"), r: z.number() }),
      z.object({ kind: z.literal("s"), w: z.number() }),
    ]);
    const all = z.object({ tree, shapes: z.record(z.string(), shape) });
    const value = {
      tree: { name: "a", kids: [{ name: "b", kids: [] }] },
      shapes: { x: { kind: "c", r: 1 }, y: { kind: "s", w: 2 } },
    };
    const bytes = bytesOf(codecOf(all), value, true);
    for (const key of ["name", "kids", "kind"]) expect(Buffer.from(bytes).includes(key)).toBe(false);
    expect(arrives(all, value)).toStrictEqual(value);
  });

  test.each<[string, Schema]>([
    ["a schema that nobody can look inside", type<{ a: number }>()],
    ["a schema without objects", z.array(z.number())],
    ["an empty object", z.object({})],
    [
      "a schema whose conversion fails",
      {
        "~standard": {
          version: 1,
          vendor: "x",
          validate: (value: unknown) => ({ value }),
          jsonSchema: {
            input() {
              throw new Error("no");
            },
          },
        },
      } as Schema,
    ],
  ])("is missing for %s", (_, schema) => {
    expect(codecOf(schema).layout).toBeUndefined();
    expect(arrives(schema, { a: 1 })).toStrictEqual({ a: 1 });
  });

  test("can be switched off", () => {
    expect(cbor({ layouts: false }).message({ name: "x", schema: order }).layout).toBeUndefined();
  });
});

test("what a schema says is found out once for all clients and servers that share a codec", () => {
  const codec = cbor();
  const schema = z.object({ a: z.number() });
  const first = codec.message({ name: "a#input", schema });
  expect(first.layout).toBeDefined();
  expect(codec.message({ name: "b#output", schema })).toBe(first);
  expect(codec.message({ name: "a#input", schema: z.object({ a: z.number() }) })).not.toBe(first);
});
