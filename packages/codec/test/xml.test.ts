import { readFileSync } from "node:fs";
import { codecCompliance } from "@farcall/core/compliance";
import { describe, expect, test } from "vitest";
import { xml } from "../examples/xml.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

codecCompliance(
  { describe, test },
  {
    create: (maxDepth) => xml(maxDepth),
    cannot: ["not finite", "control characters", "bigints", "dates", "bytes", "undefined"],
    refusesValues: false,
    hostile: {
      "elements nested 200,000 deep": utf8('<v type="array">'.repeat(200_000)),
      "a type that is not sent": utf8('<v type="function">x</v>'),
      "another element": utf8("<x>1</x>"),
      "a document type": utf8('<!DOCTYPE v [<!ENTITY a "aaa">]><v type="string">&a;</v>'),
      "a string that is not UTF-8": Uint8Array.of(...utf8('<v type="string">'), 0xff, ...utf8("</v>")),
    },
  },
);

test("the code in the README is the code that is tested", () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
  expect(read("../README.md")).toContain(`\`\`\`ts\n${read("../examples/xml.ts")}\`\`\``);
});
