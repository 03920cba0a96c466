import { json } from "@farcall/codec/json";
import { createClient, createServer } from "@farcall/core";
import type { Contender } from "../contender.ts";
import { zodContract } from "./farcall-zod.ts";
import { connect, packages, serve } from "./farcall.ts";

const codec = json();

/** Farcall over TCP with JSON. */
export const farcallJson: Contender = {
  name: "farcall-json",
  packages: [...packages, "zod"],
  wire: "tcp",
  codec: codec.name,
  reusesPort: true,
  serve: (options) => serve(createServer, zodContract, codec, options),
  connect: (port) => connect(createClient, zodContract, codec, port),
};
