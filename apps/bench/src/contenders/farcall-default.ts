import { cbor, createClient, createServer } from "farcall";
import type { Contender } from "../contender.ts";
import { zodContract } from "./farcall-zod.ts";
import { connect, packages, serve } from "./farcall.ts";

const codec = cbor();

/** The package `farcall` as its README shows it: CBOR, and handlers whose own calls know their context. */
export const farcall: Contender = {
  name: "farcall",
  packages: ["farcall", ...packages, "zod"],
  wire: "tcp",
  codec: codec.name,
  reusesPort: true,
  serve: (options) => serve(createServer, zodContract, codec, options),
  connect: (port) => connect(createClient, zodContract, codec, port),
};
