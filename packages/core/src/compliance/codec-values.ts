export type CodecValueGroup =
  | "null"
  | "booleans"
  | "integers"
  | "floats"
  | "not finite"
  | "strings"
  | "control characters"
  | "arrays"
  | "objects"
  | "keys like methods"
  | "keys like numbers"
  | "keys like tags"
  | "bigints"
  | "dates"
  | "bytes"
  | "undefined";

/**
 * The values that messages are made of, in groups: a codec that has no form for a group says so (`cannot`). Each
 * decodes to itself.
 */
export const codecValues: Readonly<Record<CodecValueGroup, readonly unknown[]>> = {
  null: [null],
  booleans: [true, false],
  integers: [
    0,
    1,
    23,
    24,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
  ].flatMap((n) => [n, -n]),
  floats: [0.1, -1.5, 1e-7, 1e21, 3.4028234663852886e38, Number.MIN_VALUE, Number.MAX_VALUE, 16777217.5],
  "not finite": [NaN, Infinity, -Infinity, { n: [NaN, 1] }],
  strings: [
    "",
    "a",
    "ä€😀",
    "x".repeat(31),
    "x".repeat(32),
    "y".repeat(300),
    "z".repeat(70_000),
    "é".repeat(300),
    "한국어 漢字",
    "\ufeffbom",
    `\ufeff${"b".repeat(100)}`,
    [`\ufeff\ufeff${"\ufdd0".repeat(40)}`, { [`\ufeff${"k".repeat(100)}`]: 1 }],
    "\ufffd",
    '"$date"',
    "\\ud800 as text",
  ],
  "control characters": ["\u0000\u001f\u007f", "a\tb\r\nc\r", " \n "],
  arrays: [[], [1], [[], [[]]], Array.from({ length: 300 }, (_, i) => i), ["a", null, true]],
  objects: [
    {},
    { a: 1 },
    { "": 0, "a b": 1, ключ: 2 },
    { a: { b: { c: [{ d: 1 }] } } },
    Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
  ],
  "keys like methods": [
    { constructor: 1, prototype: 2, toString: "x", hasOwnProperty: true, valueOf: null, length: 3 },
    { hasOwnProperty: 1 },
    JSON.parse('{"then":1}'),
  ],
  "keys like numbers": [{ 1: "a", 10: "b", x: "c" }],
  "keys like tags": [
    { $bytes: "AQ==" },
    { $date: 1 },
    { $$date: "x" },
    { $bigint: "1", more: 1 },
    { $ref: "#" },
    { $number: { $undefined: true } },
    [{ $undefined: true }],
  ],
  bigints: [
    0n,
    1n,
    -1n,
    23n,
    2n ** 53n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 63n,
    2n ** 64n - 1n,
    2n ** 64n,
    -(2n ** 64n),
    -(2n ** 64n) - 1n,
    2n ** 1000n,
    2n ** 1024n - 1n,
    1n - 2n ** 1024n,
    { n: 5, b: 5n },
  ],
  dates: [
    new Date(0),
    new Date(1),
    new Date(-1),
    new Date("2024-05-01T12:00:00.123Z"),
    new Date("1905-01-01T00:00:00.999Z"),
    new Date(8.64e15),
    new Date(-8.64e15),
    new Date(8.64e15 - 1),
    { at: [new Date(5)] },
  ],
  bytes: [
    new Uint8Array(0),
    new Uint8Array([1, 2, 255]),
    new Uint8Array(70_000).fill(0xed),
    { data: new Uint8Array([0xed, 0xa0, 0x80]) },
  ],
  undefined: [undefined, [undefined, 1], [[undefined]]],
};

/** Values that decode to something else: what was sent, and what arrives. */
export const codecConversions: readonly {
  name: string;
  sent: () => unknown;
  arrives: unknown;
  group: CodecValueGroup;
}[] = [
  {
    name: "undefined properties are not sent",
    sent: () => ({ a: 1, b: undefined, c: { d: undefined } }),
    arrives: { a: 1, c: {} },
    group: "objects",
  },
  { name: "minus zero is zero", sent: () => [-0], arrives: [0], group: "integers" },
  {
    name: "lone surrogates become U+FFFD",
    sent: () => ["\ud800", "a\udc00b".repeat(40), { "k\udfff": "ok\ud83d" }],
    arrives: ["\ufffd", "a\ufffdb".repeat(40), { "k\ufffd": "ok\ufffd" }],
    group: "strings",
  },
  {
    name: "holes are undefined",
    sent: () => Object.assign([] as unknown[], { 1: 1 }),
    arrives: [undefined, 1],
    group: "undefined",
  },
  {
    name: "toJSON is asked",
    sent: () => ({ price: { toJSON: () => ({ amount: "1.50" }) } }),
    arrives: { price: { amount: "1.50" } },
    group: "objects",
  },
  {
    name: "a view of bytes is its bytes",
    sent: () => new Uint8Array([9, 1, 2, 9]).subarray(1, 3),
    arrives: new Uint8Array([1, 2]),
    group: "bytes",
  },
  {
    name: "an instance of a class is its own properties",
    sent: () =>
      new (class Point {
        x = 1;
        get length() {
          return 1;
        }
      })(),
    arrives: { x: 1 },
    group: "objects",
  },
  {
    name: "an object without prototype is an object",
    sent: () => Object.assign(Object.create(null) as object, { a: 1 }),
    arrives: { a: 1 },
    group: "objects",
  },
];

/** Values that no codec sends, and the place that the error names. */
export const codecRefusals: readonly { name: string; value: () => unknown; at: string }[] = [
  { name: "a function", value: () => ({ list: [1, { run: () => 1 }] }), at: "list.1.run" },
  { name: "a symbol", value: () => ({ tag: Symbol("x") }), at: "tag" },
  { name: "an invalid Date", value: () => ({ at: new Date(NaN) }), at: "at" },
  { name: "a Map", value: () => ({ m: new Map() }), at: "m" },
  { name: "a Set", value: () => ({ s: new Set() }), at: "s" },
  { name: "an Error", value: () => [new Error("x")], at: "0" },
  { name: "a Float64Array", value: () => ({ f: new Float64Array(1) }), at: "f" },
  { name: "an ArrayBuffer", value: () => ({ f: new ArrayBuffer(1) }), at: "f" },
  { name: "a Promise", value: () => ({ later: Promise.resolve(1) }), at: "later" },
  { name: "a bigint of 1025 bits", value: () => ({ n: 2n ** 1024n }), at: "n" },
  { name: "a key __proto__", value: () => ({ a: JSON.parse('{"__proto__":1}') as unknown }), at: "a.__proto__" },
  {
    name: "a value inside itself",
    value: () => {
      const node: Record<string, unknown> = {};
      node["self"] = node;
      return node;
    },
    at: "self.self",
  },
];
