import {
  type ByteWriter,
  type Call,
  decodeDetail,
  encodeDetails,
  type ErrorDetail,
  Metadata,
  type Processed,
  RpcError,
  statusFromNumber,
  statusNumbers,
} from "@farcall/core";
import type { ByteReader } from "./byte-reader.ts";
import {
  metadataCost,
  writeBytes,
  writeMetadata,
  writeString,
  writeU32,
  writeU8,
  writeVarint,
} from "./field-writer.ts";
import { StatusFlag } from "./frame.ts";

const processedNames: readonly Processed[] = ["no", "unknown", "yes"];
const maxDetails = 32;
/** Longest message of an error that is sent, in UTF-16 units, and most that its details may weigh, bytes. */
const maxMessageLength = 4096;
const maxDetailBytes = 32 * 1024;

/** What a `status` frame says. */
export interface Status {
  readonly error: RpcError | undefined;
  readonly trailers: Metadata | undefined;
}

/** The number of an error's code. What is none is UNKNOWN: it must never be read as OK. */
export function errorNumber(code: RpcError["code"]): number {
  return (Object.hasOwn(statusNumbers, code) && statusNumbers[code]) || statusNumbers.UNKNOWN;
}

/** Writes the fields of a `status` frame. What is too large for the frame or the peer's limit is left out. */
export function writeStatus(
  to: ByteWriter,
  id: number,
  call: Call | undefined,
  error: RpcError | undefined,
  trailers: Metadata | undefined,
  maxMetadataBytes: number,
): void {
  writeU32(to, id);
  writeU8(to, error === undefined ? statusNumbers.OK : errorNumber(error.code));
  const details = error === undefined || call === undefined ? [] : detailsThatFit(error, call);
  const hasTrailers = trailers !== undefined && trailers.size > 0 && metadataCost(trailers) <= maxMetadataBytes;
  const retryAfter = error?.retryAfterMs;
  writeU8(
    to,
    processedNames.indexOf(error?.processed ?? "yes") |
      (typeof retryAfter === "number" ? StatusFlag.retryAfter : 0) |
      (retryAfter === "never" ? StatusFlag.retryNever : 0) |
      (details.length > 0 ? StatusFlag.details : 0) |
      (hasTrailers ? StatusFlag.trailers : 0),
  );
  writeString(to, error?.rawMessage.slice(0, maxMessageLength) ?? "");
  if (typeof retryAfter === "number") writeVarint(to, Math.min(Math.max(0, Math.ceil(retryAfter)), 0xffffffff));
  if (details.length > 0) {
    writeVarint(to, details.length);
    for (const { type, bytes } of details) {
      writeString(to, type);
      writeBytes(to, bytes);
    }
  }
  if (hasTrailers) writeMetadata(to, trailers);
}

/** Reads what follows the call's number in a `status` frame. */
export function readStatus(from: ByteReader, call: Call, peer: string, maxMetadataBytes: number): Status {
  const code = statusFromNumber(from.u8());
  const flags = from.u8();
  const message = from.string();
  const processed = processedNames[flags & StatusFlag.processedMask] ?? "unknown";
  let retryAfterMs: number | "never" | undefined;
  if ((flags & StatusFlag.retryAfter) !== 0) retryAfterMs = from.varint();
  if ((flags & StatusFlag.retryNever) !== 0) retryAfterMs = "never";
  const details: ErrorDetail[] = [];
  if ((flags & StatusFlag.details) !== 0) {
    for (let left = from.varint(); left > 0; left--) {
      const detail = { type: from.string(), bytes: from.view(from.varint()) };
      if (details.length < maxDetails) details.push(decodeDetail(detail, call.method, call.codec));
    }
  }
  const trailers = (flags & StatusFlag.trailers) !== 0 ? from.metadata(maxMetadataBytes) : undefined;
  if (code === "OK") return { error: undefined, trailers };
  const metadata = trailers ?? new Metadata();
  return {
    error: new RpcError(code, message, { details, metadata, processed, retryAfterMs, peer, remote: true }),
    trailers,
  };
}

function detailsThatFit(error: RpcError, call: Call): readonly { type: string; bytes: Uint8Array }[] {
  let room = maxDetailBytes;
  return encodeDetails(error.details.slice(0, maxDetails), call.codec).filter(({ type, bytes }) => {
    room -= type.length + bytes.length;
    return room >= 0;
  });
}
