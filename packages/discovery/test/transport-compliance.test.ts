import { cbor } from "@farcall/codec/cbor";
import { transportCompliance } from "@farcall/core/compliance";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { describe, test } from "vitest";
import { balanced } from "../src/index.ts";

// Whatever holds of a transport holds of one made of many.
transportCompliance(
  { describe, test },
  {
    name: "balanced",
    codec: cbor(),
    create: (limits) => ({
      server: (address) => tcpServer({ port: Number(address?.split(":").at(-1) ?? 0) }),
      client: (address) =>
        balanced({
          resolver: [address],
          connect: (endpoint) => tcp(endpoint.address, { limits, backoff: { initialMs: 5, maxMs: 20 } }),
          outliers: false,
        }),
    }),
  },
);
