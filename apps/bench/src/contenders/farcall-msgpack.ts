import { msgpack } from "@farcall/codec/msgpack";
import { createClient, createServer } from "@farcall/core";
import type { Contender } from "../contender.ts";
import { zodContract } from "./farcall-zod.ts";
import { connect, packages, serve } from "./farcall.ts";

const codec = msgpack();

/** Farcall over TCP with MessagePack. */
export const farcallMsgpack: Contender = {
  name: "farcall-msgpack",
  packages: [...packages, "zod"],
  wire: "tcp",
  codec: codec.name,
  reusesPort: true,
  serve: (options) => serve(createServer, zodContract, codec, options),
  connect: (port) => connect(createClient, zodContract, codec, port),
};
