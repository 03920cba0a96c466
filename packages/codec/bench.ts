// node packages/codec/bench.ts: nanoseconds per message, with ratios to bare JSON.stringify and JSON.parse.
import { ByteWriter, type Codec } from "@farcall/core";
import { z } from "zod";
import { cbor } from "./src/cbor.ts";
import { json } from "./src/json.ts";
import { msgpack } from "./src/msgpack.ts";

const line = z.object({
  sku: z.string(),
  name: z.string(),
  quantity: z.number(),
  price: z.number(),
  taxed: z.boolean(),
});
const customer = z.object({ id: z.string(), name: z.string(), email: z.string() });
const messages = {
  small: { schema: z.object({ a: z.number(), b: z.number() }), value: { a: 1, b: 2 }, rounds: 300_000 },
  order: {
    schema: z.object({ id: z.string(), customer, currency: z.string(), items: z.array(line), total: z.number() }),
    value: {
      id: "ord-2024-000123",
      customer: { id: "cust-778", name: "Ada Lovelace", email: "ada@example.com" },
      currency: "EUR",
      items: Array.from({ length: 10 }, (_, i) => ({
        sku: `SKU-10${i}`,
        name: `Product number ${i}`,
        quantity: i + 1,
        price: 19.99 + i,
        taxed: i % 2 === 0,
      })),
      total: 1234.5,
    },
    rounds: 30_000,
  },
};
const codecs: [name: string, codec: Codec, positional: boolean][] = [
  ["json", json(), false],
  ["msgpack", msgpack(), false],
  ["cbor", cbor(), false],
  ["cbor, positional", cbor(), true],
];

for (const [name, { schema, value, rounds }] of Object.entries(messages)) {
  const text = JSON.stringify(value);
  const contenders: [string, number, () => unknown, () => unknown][] = [
    ["JSON alone (no bytes)", text.length, () => JSON.stringify(value), () => JSON.parse(text)],
  ];
  for (const [label, codec, positional] of codecs) {
    const message = codec.message({ name: "bench", schema });
    const writer = new ByteWriter(65_536);
    message.encode(value, writer, positional);
    const bytes = Buffer.from(writer.buffer);
    const end = writer.position;
    const encode = (): void => {
      writer.position = 100;
      message.encode(value, writer, positional);
    };
    contenders.push([label, end, encode, () => message.decode(bytes, 0, end, positional)]);
  }
  const times = contenders.map(() => ({ encode: [] as number[], decode: [] as number[] }));
  // Contenders take turns, so that a slow moment of the machine meets all of them.
  for (let round = 0; round < 9; round++) {
    contenders.forEach(([, , encode, decode], i) => {
      times[i]!.encode.push(nanoseconds(encode, rounds));
      times[i]!.decode.push(nanoseconds(decode, rounds));
    });
  }
  console.log(`${name}\n| codec | bytes | encode ns (× JSON) | decode ns (× JSON) |\n|---|---|---|---|`);
  const [bare] = times;
  contenders.forEach(([label, bytes], i) => {
    const cell = (kind: "encode" | "decode"): string => {
      const time = median(times[i]![kind]);
      return `${Math.round(time)} (${(time / median(bare![kind])).toFixed(2)})`;
    };
    console.log(`| ${label} | ${bytes} | ${cell("encode")} | ${cell("decode")} |`);
  });
}

function nanoseconds(run: () => unknown, rounds: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) run();
  return Number(process.hrtime.bigint() - start) / rounds;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
