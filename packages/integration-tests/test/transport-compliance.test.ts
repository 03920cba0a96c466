import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { transportCompliance } from "@farcall/core/compliance";
import { describe, test } from "vitest";
import { links } from "./links.ts";

for (const link of links) {
  for (const codec of link.name === "tcp" ? [json(), cbor()] : [cbor()]) {
    transportCompliance(
      { describe, test },
      { name: `${link.name}, ${codec.name}`, codec, create: (limits) => link.create(limits) },
    );
  }
}
