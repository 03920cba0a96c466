import type { ByteWriter } from "./byte-writer.ts";
import type { Schema } from "./schema.ts";

/**
 * How messages become bytes. A codec is a value that is passed to `createServer` and `createClient`; a server may have
 * several, the client chooses one by name. Two codecs of one name must read each other's bytes.
 */
export interface Codec {
  /** What the two ends know it by: `json`, `cbor`. Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** The encoder and decoder of one type of message. Called once per type, client and server; not per call. */
  message(type: MessageType): MessageCodec;
}

/** What a codec may want to know of a message. Most look at nothing here. */
export interface MessageType {
  /** Stable and unique, for example `bank.v1.Bank/withdraw#input`. */
  readonly name: string;
  readonly schema: Schema;
}

/**
 * Encodes and decodes one type of message. Neither function may keep a reference to the bytes it was given (but see `owned`), and
 * both may throw: the call that it happens in ends with `INTERNAL`, other calls are untouched.
 *
 * A codec may have a second, positional form of a type, shorter because it leaves out what both ends know (`layout`).
 * It is used only between ends whose layouts are equal byte for byte; everything else is self-describing.
 */
export interface MessageCodec {
  /** Digest of the positional form, or undefined when there is none. At most 64 bytes. */
  readonly layout?: Uint8Array | undefined;
  /**
   * Appends `value` to `into`. `positional` is true when the peer has announced the same layout.
   * @throws TypeError when the value has something that this codec cannot carry.
   */
  encode(value: unknown, into: ByteWriter, positional: boolean): void;
  /**
   * The value in `bytes` from `start` to `end`, exclusive, all of it: bytes left over are an error. The bytes are
   * overwritten after the return, so a value must not refer to them; unless `owned` is true, when they are nobody's
   * any more, and a value may keep them (a large Uint8Array in it may be a view of them). Default false.
   * @throws Error on bytes that are not a value, that nest too deep, or that promise more than is there.
   */
  decode(bytes: Uint8Array, start: number, end: number, positional: boolean, owned?: boolean): unknown;
}
