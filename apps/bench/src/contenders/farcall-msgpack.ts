import { msgpack } from "@farcall/codec/msgpack";
import { farcallOverTcp } from "./farcall.ts";

export const farcallMsgpack = farcallOverTcp("farcall-msgpack", msgpack());
