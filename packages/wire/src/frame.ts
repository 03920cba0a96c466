import type { CallKind } from "@farcall/core";

/**
 * The vocabulary of the wire: what PROTOCOL.md says, as constants. No behaviour.
 *
 * A frame is a header of four bytes, the length of what follows it (24 bits) and its kind (8 bits), then its fields.
 * Integers are little-endian; `varint` is unsigned LEB128 of at most 32 bits; a string is a varint length and UTF-8.
 */

/** What each end sends first, before any frame: `FARCALL` and the framing's version. */
export const preface: Uint8Array = new Uint8Array([0x46, 0x41, 0x52, 0x43, 0x41, 0x4c, 0x4c, 0x01]);

/** The protocol versions that this implementation speaks. */
export const lowestVersion = 1;
export const highestVersion = 1;

export const headerBytes = 4;

/** The fields of a `data` frame before its messages: u32 call, u8 flags. */
export const dataFieldBytes = 5;

/** The length in front of the first part of a message, u32; and of each of several messages that share a frame, u16. */
export const totalSizeBytes = 4;
export const sharedSizeBytes = 2;

/** The kinds of frame. From `firstOptionalKind` on, an unknown kind is skipped; below, it ends the connection. */
export const FrameKind = {
  /** Both ways, first: what this end is and allows. */
  hello: 0x01,
  /** Client: a number for a method, valid on this connection from now on. */
  bind: 0x02,
  /** Server: which positional layouts of a binding both ends share. */
  bound: 0x03,
  /** Client: a call begins, perhaps with its message. */
  start: 0x10,
  /** Both ways: a message or a part of one. */
  data: 0x11,
  /** Client: no request follows. */
  end: 0x12,
  /** Server: response headers. */
  header: 0x13,
  /** Server: the call is over. */
  status: 0x14,
  /** Client: it is no longer interested; the server still answers with `status`. */
  cancel: 0x15,
  /** Both ways: more bytes may be sent, for a call or for the connection. */
  credit: 0x16,
  /** Both ways: to be answered with `pong` of the same eight bytes. */
  ping: 0x20,
  pong: 0x21,
  /** Both ways: this end takes no new calls; the number of those it has accepted. */
  goAway: 0x22,
} as const;

export const firstOptionalKind = 0x80;

/** The kinds of call, as `bind` numbers them. */
export const callKinds: readonly CallKind[] = ["unary", "serverStream", "clientStream", "bidiStream"];

/** Flags of `start` and `data`. */
export const DataFlag = {
  /** `start` only: a whole message follows the fields. */
  message: 0x01,
  /** No message of this direction follows; from the server also: the status is OK and there are no trailers. */
  end: 0x02,
  /** `data` only: the first part of a message; its total length follows as u32. */
  sized: 0x04,
  /** `data` only: a further part of the message that the last `sized` frame of the call began. */
  part: 0x80,
  /** The message is in the positional layout of its binding. */
  positional: 0x08,
  /** `data` only: several whole messages, each behind its length as u16. */
  many: 0x10,
  /** `start` only: the time left, varint ms, follows. */
  deadline: 0x10,
  /** `start` only: a metadata block follows. */
  metadata: 0x20,
  /** `start` only: the attempt's number, varint, follows; 1 when absent. */
  attempt: 0x40,
} as const;

/** Flags of `status`. The two lowest bits say whether a handler saw the request: 0 no, 1 unknown, 2 yes. */
export const StatusFlag = {
  processedMask: 0x03,
  /** varint ms to wait before another attempt. */
  retryAfter: 0x04,
  /** No other attempt, please. */
  retryNever: 0x08,
  details: 0x10,
  trailers: 0x20,
} as const;

/** Flags of `bound`. */
export const BoundFlag = { request: 0x01, response: 0x02 } as const;

/** The `credit` frame's call number that means the connection. */
export const connectionCredit = 0xffffffff;

/** Longest part of a message while other calls wait for their turn, bytes. */
export const maxDataBytes = 64 * 1024;

/** Longest part of a message while no other call has anything to send, bytes. */
export const maxPartBytes = 256 * 1024;

/** Longest message that is sent in one frame, bytes: those that share one have lengths of 16 bits. */
export const maxManyBytes = 0xffff;

/** Longest frame without its header, bytes. A longer `data` frame holds a part, and is never kept whole. */
export const maxFrameBytes = 128 * 1024;
export const maxDataFrameBytes: number = maxPartBytes + 16;

/** Largest metadata block that a limit may allow, bytes, so that it fits a frame beside a message. */
export const maxMetadataBlockBytes = 48 * 1024;

/** Longest name of a method or codec in `bind`, bytes, and longest digest of a layout. */
export const maxNameBytes = 1024;
export const maxLayoutBytes = 64;

/** Most methods that one connection binds. */
export const maxBindings = 8192;

/** What a message costs in credit beside its own bytes, so that empty ones are not free. */
export const messageOverheadBytes = 16;

/** Credit that each call and each direction of a connection begin with, bytes, unless the receiver's hello says more. */
export const initialCallCredit = 256 * 1024;
export const initialConnectionCredit = 1024 * 1024;

/** Credit never exceeds this. */
export const maxCredit = 0x7fffffff;
