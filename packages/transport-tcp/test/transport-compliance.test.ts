import { cbor } from "@farcall/codec/cbor";
import { transportCompliance } from "@farcall/core/compliance";
import { describe, test } from "vitest";
import { tcp, tcpServer } from "../src/index.ts";
import { createAuthority } from "./certificates.ts";

const authority = createAuthority();
const certificate = authority.issue({ commonName: "server", ipv4: ["127.0.0.1"] });

// TCP and Unix sockets are in the integration tests, with every codec.
transportCompliance(
  { describe, test },
  {
    name: "tls",
    codec: cbor(),
    create: (limits) => ({
      server: (address) => tcpServer({ port: Number(address?.split(":").at(-1) ?? 0), tls: certificate }),
      client: (address) => tcp(address, { limits, backoff: { initialMs: 5, maxMs: 20 }, tls: { ca: authority.cert } }),
    }),
  },
);
