import type { Codec, MessageCodec, Schema } from "@farcall/core";
import { sha256 } from "@noble/hashes/sha2.js";
import { readPlain } from "./cbor-reader.ts";
import { rootShape } from "./cbor-shapes.ts";
import { unusual } from "./cbor-unusual.ts";
import { writePlain } from "./cbor-writer.ts";
import { cborXForm } from "./cbor-x-form.ts";
import { builtShape } from "./shape-builder.ts";
import { type ShapeTable, shapesOf } from "./shapes.ts";

export interface CborOptions {
  /** Arrays and objects inside one another, in both directions. Default 64. */
  readonly maxDepth?: number;
  /**
   * Whether to send objects without their keys where both ends derive the same keys from the message's schema.
   * Default true; needs a schema with Standard JSON Schema, such as zod 4's.
   */
  readonly layouts?: boolean;
}

/**
 * CBOR (RFC 8949): plain things in one pass of our own, everything else through cbor-x. Self-describing: only standard
 * items and tags, readable by any CBOR library.
 * Positional: cbor-x's shared structures, for the objects whose keys the message's schema names.
 */
export function cbor(options: CborOptions = {}): Codec {
  const { maxDepth = 64, layouts = true } = options;
  const plain = createForm(maxDepth, []);
  // A process may make a client for each connection or request: what a schema says is found out once, not each time.
  const known = new WeakMap<Schema, MessageCodec>();
  const prepare = (schema: Schema): MessageCodec => {
    const table = shapesOf(schema);
    return table.length === 0 ? plain : withLayout(plain, createForm(maxDepth, table), table);
  };
  return {
    name: "cbor",
    message({ schema }) {
      if (!layouts) return plain;
      let message = known.get(schema);
      if (message === undefined) known.set(schema, (message = prepare(schema)));
      return message;
    },
  };
}

function withLayout(plain: MessageCodec, short: MessageCodec, table: ShapeTable): MessageCodec {
  return {
    // Changes whenever the same table would be written differently.
    layout: sha256(new TextEncoder().encode(`farcall cbor-x shared structures 1 ${JSON.stringify(table)}`)),
    encode: (value, into, positional) => (positional ? short : plain).encode(value, into, positional),
    decode: (bytes, start, end, positional, owned) =>
      (positional ? short : plain).decode(bytes, start, end, positional, owned),
  };
}

/** The codec of one form: self-describing when the table is empty. The positional form may hold plain maps as well. */
function createForm(maxDepth: number, table: ShapeTable): MessageCodec {
  const root = rootShape(table);
  const shapes = table.map(builtShape);
  const other = cborXForm(maxDepth, table);
  return {
    encode(value, into, positional) {
      if (!writePlain(value, into, maxDepth, root)) other.encode(value, into, positional);
    },
    decode(bytes, start, end, positional, owned = false) {
      const value = readPlain(bytes, start, end, maxDepth, shapes, owned);
      return value === unusual ? other.decode(bytes, start, end, positional) : value;
    },
  };
}
