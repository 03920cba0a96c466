import { ByteWriter } from "../byte-writer.ts";
import type { Codec, MessageCodec } from "../codec.ts";
import { type Schema, type } from "../schema.ts";
import { codecConversions, codecRefusals, type CodecValueGroup, codecValues } from "./codec-values.ts";
import type { TestRunner } from "./runner.ts";
import { isSameValue, show } from "./same-value.ts";

export interface CodecComplianceOptions {
  /** The codec with this limit for arrays and objects inside one another. */
  create(maxDepth: number): Codec;
  /** Groups of values that the format has no form for. */
  cannot?: readonly CodecValueGroup[];
  /** False when the codec drops or turns into text what it cannot carry, instead of throwing. */
  refusesValues?: boolean;
  /** Bytes that must not decode, by what is wrong with them. */
  hostile?: Readonly<Record<string, Uint8Array>>;
  /** Bytes of a value nested `depth` deep, made without recursion. */
  nested?(depth: number): Uint8Array;
  /** Types of message with a value each, two versions of one contract, to see that neither reads the other's fields. */
  evolutions?: readonly CodecEvolution[];
}

export interface CodecEvolution {
  readonly name: string;
  readonly before: Schema;
  readonly after: Schema;
  /** Valid by `before`. */
  readonly value: unknown;
}

export type { CodecValueGroup };

const maxDepth = 64;

/** What every codec owes. Call it in a test file; the options say what the format honestly cannot do. */
export function codecCompliance({ describe, test }: TestRunner, options: CodecComplianceOptions): void {
  const codec = options.create(maxDepth);
  const message = messageOf(codec);
  const can = (group: CodecValueGroup): boolean => !(options.cannot ?? []).includes(group);
  const sample = {
    id: "a-1",
    on: true,
    items: [
      { n: 1, text: "tä" },
      { n: 2, text: "x".repeat(100) },
    ],
    none: null,
  };

  describe(`codec ${codec.name}`, () => {
    for (const [group, values] of Object.entries(codecValues) as [CodecValueGroup, readonly unknown[]][]) {
      if (can(group)) test(`${group} survive`, () => values.forEach((value) => survives(message, value, value)));
    }
    for (const { name, sent, arrives, group } of codecConversions) {
      if (can(group)) test(name, () => survives(message, sent(), arrives));
    }

    test("writes at the position, however small the buffer, and touches nothing before it", () => {
      for (const size of [1, 16, 100, 5000]) {
        const writer = new ByteWriter(size);
        writer.write(new Uint8Array([7, 8, 9]));
        message.encode(sample, writer, false);
        const first = writer.position;
        message.encode([sample, "y".repeat(20_000)], writer, false);
        equal([...writer.buffer.subarray(0, 3)], [7, 8, 9]);
        equal(message.decode(writer.buffer, 3, first, false), sample);
        equal(message.decode(writer.buffer, first, writer.position, false), [sample, "y".repeat(20_000)]);
      }
    });

    test("what is decoded does not change when the bytes do", () => {
      const value = can("bytes") ? { ...sample, data: new Uint8Array([1, 2, 3]) } : sample;
      const bytes = encoded(message, value);
      const decoded = message.decode(bytes, 0, bytes.length, false);
      bytes.fill(0xff);
      equal(decoded, value);
    });

    test("a getter that throws leaves the writer as it was", () => {
      const writer = new ByteWriter(64);
      writer.write(new Uint8Array([1]));
      const value = {
        text: "x".repeat(5000),
        get broken(): string {
          throw new Error("no");
        },
      };
      throws(() => message.encode(value, writer, false), "no");
      equal(writer.position, 1);
      message.encode(sample, writer, false);
      equal(message.decode(writer.buffer, 1, writer.position, false), sample);
    });

    test("a getter may encode", () => {
      const other = new ByteWriter(16);
      const value = {
        before: "b".repeat(50),
        get nested(): string {
          other.position = 0;
          messageOf(codec).encode({ a: ["x".repeat(30_000)] }, other, false);
          return "n";
        },
        after: [1, { a: 2 }],
      };
      survives(message, value, { before: value.before, nested: "n", after: value.after });
      equal(message.decode(other.buffer, 0, other.position, false), { a: ["x".repeat(30_000)] });
    });

    if (options.refusesValues !== false) {
      for (const { name, value, at } of codecRefusals) {
        test(`${name} is refused, with its place`, () => {
          const writer = new ByteWriter(64);
          const error = throws(() => message.encode(value(), writer, false), at);
          if (!(error instanceof TypeError)) throw new Error(`a TypeError was expected: ${String(error)}`);
          equal(writer.position, 0);
        });
      }
      test("values nest as deep as the limit and no deeper", () => {
        survives(message, nest(maxDepth), nest(maxDepth));
        throws(() => encoded(message, nest(maxDepth + 1)), String(maxDepth));
      });
    }

    test("bytes that nest deeper than the limit are refused", () => {
      const deep = encoded(messageOf(options.create(1000)), nest(maxDepth + 1));
      throws(() => message.decode(deep, 0, deep.length, false));
      if (options.nested === undefined) return;
      const deepest = options.nested(200_000);
      throws(() => message.decode(deepest, 0, deepest.length, false), "deep");
    });

    test("a message cut short anywhere is refused", () => {
      const bytes = encoded(message, sample);
      for (let end = 0; end < bytes.length; end++) throws(() => message.decode(bytes, 0, end, false));
    });

    test("bytes after the value are refused", () => {
      const bytes = encoded(message, sample);
      for (const extra of [0, 1, 0x5b, 0xc0, 0xff]) {
        const longer = Uint8Array.of(...bytes, extra);
        throws(() => message.decode(longer, 0, longer.length, false));
      }
    });

    for (const [name, bytes] of Object.entries(options.hostile ?? {})) {
      test(`refused: ${name}`, () => {
        throws(() => message.decode(bytes, 0, bytes.length, false));
        survives(message, sample, sample);
        isUnpolluted();
      });
    }

    test("random and damaged bytes give a value or an error", () => {
      const seed = Date.now() % 1_000_000;
      const random = generator(seed);
      const good = encoded(message, sample);
      for (let round = 0; round < 3000; round++) {
        const bytes = round % 2 === 0 ? good.slice() : new Uint8Array(random(40));
        const damage = round % 2 === 0 ? 1 + random(3) : bytes.length;
        for (let i = 0; i < damage; i++) bytes[damage === bytes.length ? i : random(bytes.length)] = random(256);
        try {
          message.decode(bytes, 0, bytes.length, false);
        } catch (error) {
          if (!(error instanceof Error)) throw new Error(`seed ${seed}: threw something that is no Error`);
          if (/call stack|memory|allocation/i.test(error.message)) throw new Error(`seed ${seed}: ${error.message}`);
        }
      }
      isUnpolluted();
      survives(message, sample, sample);
    });

    for (const { name, before, after, value } of options.evolutions ?? []) {
      test(`old and new contract: ${name}`, () => {
        const [old, young] = [messageOf(codec, before), messageOf(codec, after)];
        if (old.layout !== undefined) {
          if (old.layout.length > 64) throw new Error("a layout has at most 64 bytes");
          equal(messageOf(options.create(maxDepth), before).layout, old.layout);
          const bytes = encoded(old, value, true);
          equal(messageOf(options.create(maxDepth), before).decode(bytes, 0, bytes.length, true), value);
        }
        // Where the layouts are equal the one end's bytes are read by the other; else they must not be told the same.
        const positional = old.layout !== undefined && isSameValue(old.layout, young.layout);
        const bytes = encoded(old, value, positional);
        equal(young.decode(bytes, 0, bytes.length, positional), value);
      });
    }
  });
}

/** Every codec decodes every value to the same; call it with all that a server may be asked in. */
export function everyCodecEqual({ describe, test }: TestRunner, codecs: readonly Codec[]): void {
  const [first, ...others] = codecs.map((codec) => ({ name: codec.name, message: messageOf(codec) }));
  if (first === undefined) return;
  const cases: [string, () => unknown][] = [
    ...Object.entries(codecValues).map(([name, values]): [string, () => unknown] => [name, () => values]),
    ...codecConversions.map(({ name, sent }): [string, () => unknown] => [name, sent]),
  ];
  for (const other of others) {
    describe(`${other.name} decodes as ${first.name} does`, () => {
      for (const [name, value] of cases) {
        test(name, () => equal(throughBytes(other.message, value()), throughBytes(first.message, value())));
      }
    });
  }
}

function messageOf(codec: Codec, schema: Schema = type<unknown>()): MessageCodec {
  return codec.message({ name: "compliance.v1.Compliance/check#input", schema });
}

function encoded(message: MessageCodec, value: unknown, positional = false): Uint8Array {
  const writer = new ByteWriter(16);
  message.encode(value, writer, positional);
  return new Uint8Array(writer.buffer.subarray(0, writer.position));
}

/** In the middle of other bytes, so that a decoder that reads too far is seen. */
function throughBytes(message: MessageCodec, value: unknown): unknown {
  const bytes = encoded(message, value);
  const among = new Uint8Array(bytes.length + 20).fill(0x61);
  among.set(bytes, 10);
  return message.decode(among, 10, 10 + bytes.length, false);
}

function survives(message: MessageCodec, sent: unknown, arrives: unknown): void {
  equal(throughBytes(message, sent), arrives);
}

function nest(depth: number): unknown {
  let value: unknown = "core";
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { v: value } : [value];
  return value;
}

function equal(actual: unknown, expected: unknown): void {
  if (!isSameValue(actual, expected)) throw new Error(`expected ${show(expected)}, got ${show(actual)}`);
}

function throws(run: () => unknown, part = ""): unknown {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (error instanceof Error && error.message.includes(part)) return error;
    throw new Error(`expected an Error that says "${part}", got ${String(error)}`);
  }
  throw new Error(`expected an error, got ${show(result)}`);
}

function isUnpolluted(): void {
  for (const key in {}) throw new Error(`Object.prototype has become ${key}`);
  if (Object.getPrototypeOf({}) !== Object.prototype) throw new Error("objects have another prototype");
}

/** Integers below a bound, the same for the same seed (a linear congruence, Numerical Recipes). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
