import { cbor } from "@farcall/codec/cbor";
import { transportCompliance } from "@farcall/core/compliance";
import { memory } from "@farcall/transport-memory";
import { describe, test } from "vitest";

transportCompliance(
  { describe, test },
  {
    name: "memory",
    codec: cbor(),
    create(limits) {
      const link = memory({ client: { limits, backoff: { initialMs: 5, maxMs: 20 } } });
      return { server: () => link.server, client: () => link.client };
    },
  },
);
