import type { ByteWriter, MessageCodec } from "@farcall/core";
// These subpaths, in Node too, because the package's main entry tries to load a native module.
import { Tag } from "cbor-x/decode";
import { Encoder } from "cbor-x/encode";
import { append, lend } from "./borrow.ts";
import { decodeMarked } from "./byte-order-marks.ts";
import { cborGuard } from "./cbor-guard.ts";
import { farDateMs, inspect, needsCopy, needsDateText, needsPlain, needsShape } from "./inspect.ts";
import { type Form, rewrite } from "./rewrite.ts";
import { type ShapeTable, shapeFinder, shapeTree } from "./shapes.ts";
import { isIllFormed, mayHoldSurrogate } from "./surrogates.ts";

/**
 * One form of CBOR by cbor-x, for every value that may be sent: it says what the bytes are. `writePlain` and
 * `readPlain` are a shorter way to the same for most messages.
 */
export function cborXForm(maxDepth: number, table: ShapeTable): MessageCodec {
  const shapes = table.length === 0 ? undefined : shapeTree(table);
  let coder = createCoder(table, repair);
  const guard = cborGuard(
    maxDepth,
    table.map((keys) => keys.length),
  );
  const form = cborForm(table);
  const needsRewrite = needsPlain | needsCopy | needsDateText | needsShape;
  return {
    encode(value, into) {
      const flags = inspect(value, maxDepth, shapes);
      const ready = (flags & needsRewrite) === 0 ? value : rewrite(value, maxDepth, form);
      const start = into.position;
      const written = write(coder, ready, into);
      if (written && !(mayHoldSurrogate(into.buffer, start, into.position) && isIllFormed(ready))) return;
      // A copy has no getters, so the second time it is written.
      into.position = start;
      write(coder, rewrite(value, maxDepth, form), into);
    },
    decode(bytes, start, end) {
      const marks = guard(bytes, start, end);
      return marks === undefined ? decode(bytes, start, end) : decodeMarked(decode, bytes, start, end, marks);
    },
  };

  // cbor-x has written an object of another shape than `inspect` saw, and made that shape part of its table.
  function repair(): never {
    coder = createCoder(table, repair);
    throw new TypeError("the value changed while it was encoded");
  }

  function decode(bytes: Uint8Array, start: number, end: number): unknown {
    return coder.decode(lend(bytes, start, end), end - start);
  }
}

/** What cbor-x's types leave out: modes, which make it return its own buffer, and where a message ends. */
interface Coder {
  encode(value: unknown, mode: number): Uint8Array & { start: number; end: number };
  decode(bytes: Uint8Array, end: number): unknown;
}

function createCoder(table: ShapeTable, onNewShape: () => never): Coder {
  return new Encoder({
    mapsAsObjects: true,
    useTag259ForMaps: false,
    tagUint8Array: false,
    copyBuffers: true,
    ...(table.length === 0
      ? { useRecords: false, variableMapSize: true }
      : { structures: table.map((keys) => [...keys]), maxSharedStructures: table.length, saveStructures: onNewShape }),
  } as object) as unknown as Coder;
}

// cbor-x's REUSE_BUFFER_MODE (return the buffer, not a view) and RESET_BUFFER_MODE (start there again next time).
const borrowed = 512 | 1024;

// cbor-x keeps the encoding in progress in module variables, so a getter that encodes writes into the middle of it.
let started = 0;

/** False when another encoding began before this one had ended: then nothing was appended. */
function write(coder: Coder, value: unknown, into: ByteWriter): boolean {
  const turn = ++started;
  try {
    const source = coder.encode(value, borrowed);
    if (turn !== started) return false;
    append(into, source, source.start, source.end);
    return true;
  } catch (error) {
    if (turn !== started) return false;
    throw error;
  }
}

function cborForm(table: ShapeTable): Form {
  const find = shapeFinder(table);
  return {
    special: (value) => (value instanceof Date ? dateItem(value) : value),
    object(copy) {
      if (table.length === 0) return copy;
      const keys = find(Object.keys(copy));
      // cbor-x writes a Map as a map with keys, and an object as a structure: one it would have to define first.
      if (keys === undefined) return new Map(Object.entries(copy));
      return Object.fromEntries(keys.map((key) => [key, copy[key]]));
    },
  };
}

// cbor-x writes seconds as a float; far from 1970 that loses the milliseconds, and the text of tag 0 does not.
function dateItem(date: Date): Date | Tag {
  return Math.abs(date.getTime()) < farDateMs ? date : new Tag(date.toISOString(), 0);
}
