// node packages/codec/bench.ts [message] [codec]: nanoseconds per message, with ratios to bare JSON.stringify and
// JSON.parse. All codecs and schemas share one process, as they may in a server; an argument picks one to run alone.
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
const order = z.object({
  id: z.string(),
  customer,
  currency: z.string(),
  items: z.array(line),
  total: z.number(),
});
const orderOf = (person: string, product: string): z.infer<typeof order> => ({
  id: "ord-2024-000123",
  customer: { id: "cust-778", name: person, email: "ada@example.com" },
  currency: "EUR",
  items: Array.from({ length: 10 }, (_, i) => ({
    sku: `SKU-10${i}`,
    name: `${product} ${i}`,
    quantity: i + 1,
    price: 19.99 + i,
    taxed: i % 2 === 0,
  })),
  total: 1234.5,
});
const leaf = z.object({ at: z.date(), amount: z.bigint(), note: z.string().optional(), tags: z.array(z.string()) });
const ledger = z.object({ entries: z.record(z.string(), leaf), next: z.any() });
interface Message {
  schema: z.ZodType;
  value: unknown;
  /** What JSON alone is given in its place. */
  bare?: unknown;
  rounds: number;
}
const messages: Record<string, Message> = {
  small: { schema: z.object({ a: z.number(), b: z.number() }), value: { a: 1, b: 2 }, rounds: 100_000 },
  order: { schema: order, value: orderOf("Ada Lovelace", "Product number"), rounds: 7_000 },
  "order, not ASCII": { schema: order, value: orderOf("Zoë Müller-Őry", "Größe und Gewicht №"), rounds: 7_000 },
  "ledger: dates, bigints, keys of all kinds, optional keys, six levels": {
    schema: ledger,
    value: {
      entries: Object.fromEntries(
        Array.from({ length: 6 }, (_, i) => [
          `entry-${i}`,
          {
            at: new Date(1.7e12 + i),
            amount: 10n ** BigInt(i * 2),
            ...(i % 2 ? { note: "odd" } : {}),
            tags: ["a", `t${i}`],
          },
        ]),
      ),
      next: { deep: [{ deeper: [{ level: 4, more: [null, true, { level: 6, text: "x".repeat(200) }] }] }] },
    },
    rounds: 7_000,
  },
  "1 MiB of bytes": {
    schema: z.object({ data: z.instanceof(Uint8Array) }),
    value: { data: new Uint8Array(1_048_576).fill(7) },
    bare: { data: "A".repeat(1_398_104) }, // as base64
    rounds: 8,
  },
};
const codecs: [name: string, codec: Codec, positional: boolean][] = [
  ["json", json(), false],
  ["msgpack", msgpack(), false],
  ["cbor", cbor(), false],
  ["cbor, positional", cbor(), true],
];

const [onlyMessage, onlyCodec] = process.argv.slice(2);

for (const [name, { schema, value, bare = value, rounds }] of Object.entries(messages)) {
  if (onlyMessage !== undefined && onlyMessage !== name) continue;
  const text = JSON.stringify(bare, (_, item: unknown) => (typeof item === "bigint" ? Number(item) : item));
  const bareValue: unknown = JSON.parse(text);
  const contenders: [string, number, () => unknown, () => unknown][] = [
    ["JSON alone (no bytes)", text.length, () => JSON.stringify(bareValue), () => JSON.parse(text)],
  ];
  for (const [label, codec, positional] of codecs) {
    if (onlyCodec !== undefined && onlyCodec !== label) continue;
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
  for (let round = 0; round < 7; round++) {
    contenders.forEach(([, , encode, decode], i) => {
      times[i]!.encode.push(nanoseconds(encode, rounds));
      times[i]!.decode.push(nanoseconds(decode, rounds));
    });
  }
  console.log(`${name}\n| codec | bytes | encode ns (× JSON) | decode ns (× JSON) |\n|---|---|---|---|`);
  const [reference] = times;
  contenders.forEach(([label, bytes], i) => {
    const cell = (kind: "encode" | "decode"): string => {
      const time = median(times[i]![kind]);
      return `${Math.round(time)} (${(time / median(reference![kind])).toFixed(2)})`;
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
