import { json } from "@farcall/codec/json";
import { farcallOverTcp } from "./farcall.ts";

export const farcallJson = farcallOverTcp("farcall-json", json());
