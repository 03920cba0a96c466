import { cbor } from "@farcall/codec/cbor";
import { farcallOverTcp } from "./farcall.ts";

export const farcallCbor = farcallOverTcp("farcall-cbor", cbor());
