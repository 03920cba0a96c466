import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer } from "@farcall/core";
import type { Contender } from "../contender.ts";
import { zodContract } from "./farcall-zod.ts";
import { connect, packages, serve } from "./farcall.ts";

const codec = cbor();

/** Farcall over TCP with CBOR, whose keys stay at home where both ends have the same contract. */
export const farcallCbor: Contender = {
  name: "farcall-cbor",
  packages: [...packages, "zod"],
  wire: "tcp",
  codec: codec.name,
  reusesPort: true,
  serve: (options) => serve(createServer, zodContract, codec, options),
  connect: (port) => connect(createClient, zodContract, codec, port),
};
