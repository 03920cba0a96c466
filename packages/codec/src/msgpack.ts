import type { ByteWriter, Codec, MessageCodec } from "@farcall/core";
// This subpath, in Node too, because the package's main entry tries to load a native module.
import { Packr } from "msgpackr/pack";
import { append, lend } from "./borrow.ts";
import { decodeMarked } from "./byte-order-marks.ts";
import { inspect, needsCopy, needsPlain } from "./inspect.ts";
import { msgpackGuard } from "./msgpack-guard.ts";
import { type Form, rewrite } from "./rewrite.ts";
import { isIllFormed, mayHoldSurrogate } from "./surrogates.ts";

export interface MsgpackOptions {
  /** Arrays and objects inside one another, in both directions. Default 64. */
  readonly maxDepth?: number;
}

/** MessagePack through msgpackr, without its records: maps with keys, readable by any MessagePack library. */
export function msgpack(options: MsgpackOptions = {}): Codec {
  const message = createMessageCodec(options.maxDepth ?? 64);
  return { name: "msgpack", message: () => message };
}

/** What msgpackr's types leave out: modes, which make it return its own buffer, with where in it the message is. */
interface Coder {
  pack(value: unknown, mode: number): Uint8Array & { start: number; end: number };
  unpack(bytes: Uint8Array, range: { start: number; end: number }): unknown;
}

// msgpackr's REUSE_BUFFER_MODE (return the buffer, not a view) and RESET_BUFFER_MODE (start there again next time).
const borrowed = 512 | 1024;

function createMessageCodec(maxDepth: number): MessageCodec {
  const coder = new Packr({
    useRecords: false,
    mapsAsObjects: true,
    variableMapSize: true,
    useBigIntExtension: true,
    copyBuffers: true,
    useToJSON: false,
  } as object) as unknown as Coder;
  const guard = msgpackGuard(maxDepth);
  const range = { start: 0, end: 0 };
  return {
    encode(value: unknown, into: ByteWriter) {
      const flags = inspect(value, maxDepth);
      if ((flags & (needsPlain | needsCopy)) !== 0) value = rewrite(value, maxDepth, asItIs);
      const start = into.position;
      write(coder, value, into);
      if (!mayHoldSurrogate(into.buffer, start, into.position) || !isIllFormed(value)) return;
      into.position = start;
      write(coder, rewrite(value, maxDepth, asItIs), into);
    },
    decode(bytes, start, end) {
      const marks = guard(bytes, start, end);
      return marks === undefined ? decode(bytes, start, end) : decodeMarked(decode, bytes, start, end, marks);
    },
  };

  function decode(bytes: Uint8Array, start: number, end: number): unknown {
    range.end = end - start;
    return coder.unpack(lend(bytes, start, end), range);
  }
}

// A getter that encodes is no trouble here: msgpackr puts the encoding in progress aside.
function write(coder: Coder, value: unknown, into: ByteWriter): void {
  const source = coder.pack(value, borrowed);
  append(into, source, source.start, source.end);
}

const asItIs: Form = { special: (value) => value, object: (copy) => copy };
