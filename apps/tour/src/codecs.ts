import { msgpack } from "@farcall/codec/msgpack";
import { cbor, type Codec, json } from "farcall";

/** What the server speaks. Each client chooses one of them by name. */
export const codecs = { cbor: cbor(), json: json(), msgpack: msgpack() } satisfies Record<string, Codec>;

export const codecNames = Object.keys(codecs) as (keyof typeof codecs)[];
