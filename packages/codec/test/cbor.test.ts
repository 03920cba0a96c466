import { type } from "@farcall/core";
import { codecCompliance } from "@farcall/core/compliance";
import { describe, expect, test } from "vitest";
import { cbor } from "../src/cbor.ts";
import { evolutions } from "./evolutions.ts";
import { hex, repeated } from "./hex.ts";

codecCompliance(
  { describe, test },
  {
    create: (maxDepth) => cbor({ maxDepth }),
    nested: (depth) => repeated([0x81], depth, [0x01]),
    evolutions,
    hostile: {
      "maps nested 200,000 deep": repeated([0xa1, 0x61, 0x61], 200_000),
      "tags nested 200,000 deep": repeated([0xc1], 200_000, [0x01]),
      "an array of 4 billion": hex("9a ffffffff"),
      "an array of 2^64": hex("9b ffffffffffffffff"),
      "arrays of more than is there, nested": repeated([0x98, 0x40], 60, [0x01]),
      "a map of 4 billion": hex("ba ffffffff 6161 01"),
      "a string of 4 billion": hex("7a ffffffff 61"),
      "bytes of 4 billion": hex("5a ffffffff 61"),
      "a bignum of 4 billion bytes": hex("c2 5a ffffffff 61"),
      "a bignum of a million bytes": hex(`c25a00100000${"00".repeat(0x10_0000)}`),
      "a key __proto__": hex("a1 69 5f5f70726f746f5f5f a1 68 706f6c6c75746564 01"),
      "a key __proto__ with a long head": hex("a1 7a00000009 5f5f70726f746f5f5f 01"),
      "a key that is a number": hex("a1 01 02"),
      "a key that is an array": hex("a1 80 02"),
      "a key that is a tagged string": hex("a1 c0 74 323032342d30352d30315430303a30303a30305a 02"),
      "a string that is not UTF-8": hex("61 ff"),
      "a surrogate in UTF-8": hex("63 eda080"),
      "a long string that is not UTF-8": Uint8Array.of(0x79, 0x04, 0x00, ...new Uint8Array(1023).fill(0x61), 0xff),
      "a key that is not UTF-8": hex("a1 61 ff 01"),
      "an array without end": hex("9f 01 ff"),
      "a map without end": hex("bf ff"),
      "a string in pieces": hex("7f 6161 ff"),
      "a stop alone": hex("ff"),
      "a date that is a string": hex("c1 6161"),
      "a date that is not a number": hex("c1 fb 7ff8000000000000"),
      "a date beyond all dates": hex("c1 fb 7fefffffffffffff"),
      "a date in half floats": hex("c1 f9 7e00"),
      "a date as text that is none": hex("c0 74 323032342d31332d30315430303a30303a30305a"),
      "a date as other text": hex("c0 74 6162636465666768696a6162636465666768696a"),
      "a date as text that is short": hex("c0 64 32303234"),
      "a shared value (28)": hex("d81c 81 d81d 00"),
      "a reference (29)": hex("82 01 d81d 00"),
      "a structure defined (0xdfff)": hex("d9dfff 83 19e000 81 6161 01"),
      "structures defined (0xdffe)": hex("d9dffe 83 19e000 81 6161 01"),
      "a structure defined (105)": hex("d869 83 19e000 81 6161 01"),
      "a structure that nobody defined": hex("d9e000 81 01"),
      "bundled strings (0xdff9)": hex("d9dff9 82 01 01"),
      "a packed table (51)": hex("d833 84 81 6161 80 80 e0"),
      "a packed reference (6)": hex("c6 00"),
      "a simple value": hex("e0"),
      "a long simple value": hex("f8 20"),
      "an Error (27)": hex("d81b 82 654572726f72 6161"),
      "a regular expression (27)": hex("d81b 83 66526567457870 6161 60"),
      "a Set (258)": hex("d90102 81 01"),
      "a Map (259)": hex("d90103 a1 01 02"),
      "a typed array (85)": hex("d855 44 00000000"),
      "a decimal fraction (4)": hex("c4 82 21 196ab3"),
      "an unknown tag": hex("d9270f 01"),
      "the tag of CBOR itself (55799)": hex("d9d9f7 01"),
      "a tag without a value": hex("c1"),
    },
  },
);

test("a date as text, which other libraries write, is read", () => {
  const message = cbor().message({ name: "test", schema: type<unknown>() });
  const bytes = hex("c0 74 323032342d30352d30315430303a30303a30305a");
  expect(message.decode(bytes, 0, bytes.length, false)).toStrictEqual(new Date("2024-05-01T00:00:00Z"));
});

test("numbers of other widths are read", () => {
  const message = cbor().message({ name: "test", schema: type<unknown>() });
  const bytes = hex("85 f93c00 fa3fc00000 1b0000000000000005 3a00000004 c11a00000001");
  expect(message.decode(bytes, 0, bytes.length, false)).toStrictEqual([1, 1.5, 5n, -5, new Date(1000)]);
});
