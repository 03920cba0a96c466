import { codecCompliance } from "@farcall/core/compliance";
import { describe, test } from "vitest";
import { json } from "../src/json.ts";
import { evolutions } from "./evolutions.ts";
import { hex, repeated } from "./hex.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

codecCompliance(
  { describe, test },
  {
    create: (maxDepth) => json({ maxDepth }),
    nested: (depth) => repeated([0x5b], depth, [0x31, ...repeated([0x5d], depth)]),
    evolutions,
    hostile: {
      "objects nested 200,000 deep": repeated([...utf8('{"a":')], 200_000),
      "tags nested too deep": utf8('{"$$date":'.repeat(70) + "1" + "}".repeat(70)),
      "a key __proto__": utf8('{"a":[{"__proto__":{"polluted":1}}]}'),
      "a key __proto__ with escapes": utf8('{"\\u005f\\u005fproto\\u005f_":{"polluted":1}}'),
      "a string that is not UTF-8": hex("22 ff 22"),
      "a surrogate in UTF-8": hex("22 eda080 22"),
      "an overlong character": hex("22 c0af 22"),
      "a byte order mark": hex("efbbbf 31"),
      nothing: new Uint8Array(0),
      "NaN as JavaScript writes it": utf8("[NaN]"),
      "an empty bigint": utf8('{"$bigint":""}'),
      "a bigint in hexadecimal": utf8('{"$bigint":"0x10"}'),
      "a bigint of a million digits": utf8(`{"$bigint":"${"9".repeat(1_000_000)}"}`),
      "a bigint that is a number": utf8('{"$bigint":1}'),
      "a date that is none": utf8('{"$date":"2024-02-31"}'),
      "a date that is null": utf8('{"$date":null}'),
      "bytes that are not base64": utf8('{"$bytes":"A?=="}'),
      "bytes without padding": utf8('{"$bytes":"AQ"}'),
      "a number with another name": utf8('{"$number":"1"}'),
      "undefined as something": utf8('{"$undefined":[]}'),
      "a tag with an escaped dollar": utf8('{"\\u0024bigint":"x"}'),
    },
  },
);
