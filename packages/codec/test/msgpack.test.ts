import { codecCompliance } from "@farcall/core/compliance";
import { describe, test } from "vitest";
import { msgpack } from "../src/msgpack.ts";
import { evolutions } from "./evolutions.ts";
import { hex, repeated } from "./hex.ts";

codecCompliance(
  { describe, test },
  {
    create: (maxDepth) => msgpack({ maxDepth }),
    nested: (depth) => repeated([0x91], depth, [0x01]),
    evolutions,
    hostile: {
      "maps nested 200,000 deep": repeated([0x81, 0xa1, 0x61], 200_000),
      "an array of 4 billion": hex("dd ffffffff"),
      "arrays of more than is there, nested": repeated([0xdc, 0x00, 0x40], 60, [0x01]),
      "a map of 4 billion": hex("df ffffffff a161 01"),
      "a string of 4 billion": hex("db ffffffff 61"),
      "bytes of 4 billion": hex("c6 ffffffff 61"),
      "an extension of 4 billion bytes": hex("c9 ffffffff 42 61"),
      "a bigint of a million bytes": hex(`c90010000042${"00".repeat(0x10_0000)}`),
      "a bigint of no bytes": hex("c7 00 42"),
      "a key __proto__": hex("81 a9 5f5f70726f746f5f5f 81 a8 706f6c6c75746564 01"),
      "a key __proto__ with a long head": hex("81 db00000009 5f5f70726f746f5f5f 01"),
      "a key that is a number": hex("81 01 02"),
      "a key that is an array": hex("81 90 02"),
      "a key that is nil": hex("81 c0 02"),
      "a string that is not UTF-8": hex("a1 ff"),
      "a surrogate in UTF-8": hex("a3 eda080"),
      "a long string that is not UTF-8": Uint8Array.of(0xda, 0x04, 0x00, ...new Uint8Array(1023).fill(0x61), 0xff),
      "a key that is not UTF-8": hex("81 a1 ff 01"),
      "the byte that is never used": hex("c1"),
      "a date of 3 bytes": hex("c7 03 ff 000000"),
      "an invalid date": hex("d4 ff ff"),
      "a date beyond all dates": hex("c7 0c ff 00000000 7fffffffffffffff"),
      "a record defined": hex("d4 72 40 91 a161 01"),
      "a record defined with two bytes": hex("d5 72 40 00 91 a161 01"),
      "an id of a shared value": hex("d6 69 00000001 90"),
      "a reference": hex("92 90 d6 70 00000001"),
      "an Error": hex("d4 65 00 93 a54572726f72 a161 c0"),
      "a regular expression": hex("d4 78 00 92 a161 a0"),
      "a Set": hex("d4 73 00 91 01"),
      "a typed array": hex("c7 05 74 07 00000000"),
      "bundled strings": hex("d6 62 00000001 c101 a161 a161"),
      "an unknown extension": hex("d4 05 00"),
      "undefined with a length": hex("c7 02 00 0000"),
      "an extension without a type": hex("c7 01"),
    },
  },
);
