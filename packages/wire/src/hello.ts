import type { ByteWriter, Metadata } from "@farcall/core";
import type { ByteReader } from "./byte-reader.ts";
import { writeMetadata, writeStrings, writeU8, writeVarint } from "./field-writer.ts";
import { highestVersion, initialCallCredit, initialConnectionCredit, lowestVersion, maxCredit } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** What an end says of itself in its `hello`. */
export interface Hello {
  readonly lowestVersion: number;
  readonly highestVersion: number;
  /** Bits for optional parts of the protocol; version 1 names none. Unknown bits are ignored. */
  readonly capabilities: number;
  /** Credit that the receiver of this hello begins with: per call, and for the connection. Bytes. */
  readonly callCredit: number;
  readonly connectionCredit: number;
  /** The limits that this end enforces on what it receives. */
  readonly maxMessageBytes: number;
  readonly maxMetadataBytes: number;
  readonly maxCalls: number;
  /** Names of a server's codecs. */
  readonly codecs: readonly string[];
  /** What an endpoint promises, for example `idempotency-key`. */
  readonly features: readonly string[];
  readonly metadata: Metadata;
}

const maxNames = 64;

export function writeHello(to: ByteWriter, hello: Hello): void {
  writeU8(to, hello.lowestVersion);
  writeU8(to, hello.highestVersion);
  writeVarint(to, hello.capabilities);
  writeVarint(to, hello.callCredit);
  writeVarint(to, hello.connectionCredit);
  writeVarint(to, Math.min(hello.maxMessageBytes, 0xffffffff));
  writeVarint(to, hello.maxMetadataBytes);
  writeVarint(to, Math.min(hello.maxCalls, 0xffffffff));
  writeStrings(to, hello.codecs);
  writeStrings(to, hello.features);
  writeMetadata(to, hello.metadata);
}

/** Reads a hello. What follows the last field belongs to later versions and is ignored. */
export function readHello(from: ByteReader, maxMetadataBytes: number): Hello {
  const hello = {
    lowestVersion: from.u8(),
    highestVersion: from.u8(),
    capabilities: from.varint(),
    callCredit: from.varint(),
    connectionCredit: from.varint(),
    maxMessageBytes: from.varint(),
    maxMetadataBytes: from.varint(),
    maxCalls: from.varint(),
    codecs: from.strings(maxNames),
    features: from.strings(maxNames),
    metadata: from.metadata(maxMetadataBytes),
  };
  if (hello.lowestVersion > highestVersion || hello.highestVersion < lowestVersion) {
    throw new ProtocolError(
      `the peer speaks protocol versions ${hello.lowestVersion} to ${hello.highestVersion}, ` +
        `this end ${lowestVersion} to ${highestVersion}`,
    );
  }
  if (hello.callCredit < initialCallCredit || hello.connectionCredit < initialConnectionCredit) {
    throw new ProtocolError("the peer's hello offers less credit than the protocol's least");
  }
  if (hello.callCredit > maxCredit || hello.connectionCredit > maxCredit) {
    throw new ProtocolError("the peer's hello offers more credit than the protocol's most");
  }
  return hello;
}
