import { json } from "@farcall/codec/json";
import { createClient, createServer, type } from "@farcall/core";
import type { Contender } from "../contender.ts";
import type { Order } from "../order.ts";
import { benchContract, connect, packages, serve } from "./farcall.ts";

const codec = json();
const contract = benchContract({
  pair: type<{ a: number; b: number }>(),
  total: type<{ total: number }>(),
  order: type<Order>(),
  to: type<{ to: number }>(),
  n: type<{ n: number }>(),
  bytes: type<Uint8Array>(),
  nothing: type<null>(),
});

/** Farcall over TCP with JSON and no validator: what starts fastest, and what a trusted peer may be served with. */
export const farcallTypes: Contender = {
  name: "farcall-types",
  packages,
  wire: "tcp",
  codec: codec.name,
  reusesPort: true,
  serve: (options) => serve(createServer, contract, codec, options),
  connect: (port) => connect(createClient, contract, codec, port),
};
