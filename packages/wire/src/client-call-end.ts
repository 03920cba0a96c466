import {
  type CallProgress,
  type Metadata,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
  statusNumbers,
  streamsRequests,
} from "@farcall/core";
import { type ByteReader, MetadataError } from "./byte-reader.ts";
import type { ClientCallState } from "./call-state.ts";
import type { Channel } from "./channel.ts";
import { metadataCost, putU32, writeMetadata, writeU32, writeU8, writeVarint } from "./field-writer.ts";
import { DataFlag, FrameKind } from "./frame.ts";
import { MultiplexedCall, sendingError } from "./multiplexed-call.ts";
import { ProtocolError } from "./protocol-error.ts";
import { readStatus } from "./status-frame.ts";

/** A method number of a connection. The layouts are agreed when the server has said so. */
export interface ClientBinding {
  readonly id: number;
  readonly hasRequestLayout: boolean;
  requestPositional: boolean;
}

/** What a call needs of its connection's end. */
export interface ClientCallOwner {
  readonly address: string;
  readonly maxMessageBytes: number;
  readonly maxMetadataBytes: number;
  /** What the server accepts. */
  readonly peerMaxMetadataBytes: number;
  /** The call's first frame is being written: gives it its number and its place among the calls. */
  callBegins(call: ClientCallEnd): void;
  /** The call is over; if it had a number, that is free. */
  callEnded(call: ClientCallEnd): void;
}

/** One call at the client's end of a connection: where its requests go, and the source of its responses. */
export class ClientCallEnd extends MultiplexedCall implements RequestSink {
  /** Its place among the calls of the connection, from 1; 0 until it has begun. */
  ordinal = 0;
  state: ClientCallState = "open";
  readonly #owner: ClientCallOwner;
  readonly #call: OutgoingCall;
  readonly #binding: ClientBinding;
  readonly #responses: ResponseSink;
  #answered = false;
  /** The end of the requests waits behind messages without credit. */
  #endWaits = false;

  constructor(
    channel: Channel,
    owner: ClientCallOwner,
    sendCredit: number,
    call: OutgoingCall,
    binding: ClientBinding,
    responses: ResponseSink,
  ) {
    super(channel, -1, sendCredit);
    this.#owner = owner;
    this.#call = call;
    this.#binding = binding;
    this.#responses = responses;
  }

  /** A stream of requests begins before its first message, so that the handler can answer without one. */
  begin(): void {
    if (streamsRequests(this.#call.method.kind)) this.#start(undefined, false, false);
  }

  message(value: unknown, last: boolean): boolean {
    if (this.state !== "open") return true;
    if (this.ordinal === 0) return this.#start(value, true, last);
    if (last) this.state = "sent";
    try {
      const { sender } = this.channel;
      const { request } = this.#call.codec;
      const { requestPositional } = this.#binding;
      return last
        ? sender.send(this, request, value, requestPositional, true)
        : sender.sendNext(this, request, value, requestPositional);
    } catch (error) {
      this.cancel(sendingError(this.#call, "a request", error, "unknown"));
      return true;
    }
  }

  end(): void {
    if (this.state !== "open") return;
    if (this.ordinal === 0) {
      this.#start(undefined, false, true);
      return;
    }
    this.state = "sent";
    // Behind the messages that wait for credit.
    if (this.waiting === undefined) this.#writeEnd();
    else this.#endWaits = true;
  }

  cancel(error: RpcError): void {
    if (this.state === "cancelled" || this.state === "ended") return;
    const begun = this.ordinal !== 0;
    this.state = begun ? "cancelled" : "ended";
    this.discard();
    if (begun) {
      this.channel.write(FrameKind.cancel, (to) => {
        writeU32(to, this.id);
        writeU8(to, error.code === "DEADLINE_EXCEEDED" ? statusNumbers.DEADLINE_EXCEEDED : statusNumbers.CANCELLED);
      });
    } else {
      this.#owner.callEnded(this);
    }
    this.#responses.end(error, undefined);
  }

  ready(): void {
    if (this.state === "open" || this.state === "sent") this.release();
  }

  progress(): CallProgress {
    const peer = this.#owner.address;
    if (this.#answered) return { phase: "receiving", peer };
    const isSent = this.ordinal !== 0 && this.state !== "open" && this.waiting === undefined;
    return { phase: isSent ? "waiting" : "sending", peer };
  }

  // From the connection.

  /** A message of the server, or a part of one. @throws ProtocolError */
  data(flags: number, bytes: Uint8Array, start: number, end: number): void {
    this.#answered = true;
    if (
      (flags & (DataFlag.positional | DataFlag.part)) === DataFlag.positional &&
      this.#call.codec.response.layout === undefined
    ) {
      throw new ProtocolError("a positional message of a layout that was not offered");
    }
    this.receive(this.#call.codec.response, flags, bytes, start, end, this.#owner.maxMessageBytes);
    // A last message that could not be accepted: no status follows it.
    if ((flags & DataFlag.end) !== 0 && this.state === "cancelled") this.#finish(undefined, undefined);
  }

  header(from: ByteReader): void {
    if (this.#answered) throw new ProtocolError("a second header, or one behind a message");
    this.#answered = true;
    try {
      const header = from.metadata(this.#owner.maxMetadataBytes);
      if (this.state === "open" || this.state === "sent") this.#responses.header(header);
    } catch (error) {
      this.#badMetadata(error);
    }
  }

  /** The server has ended the call. @throws ProtocolError */
  status(from: ByteReader): void {
    let error: RpcError | undefined;
    let trailers: Metadata | undefined;
    try {
      ({ error, trailers } = readStatus(from, this.#call, this.#owner.address, this.#owner.maxMetadataBytes));
    } catch (thrown) {
      this.#badMetadata(thrown);
    }
    if (error === undefined && this.midMessage) throw new ProtocolError("OK in the middle of a message");
    this.#finish(error, trailers);
  }

  /** The call ends without the server's word: its connection is lost, or it was never accepted. */
  lost(error: RpcError): void {
    if (this.state === "ended") return;
    const processed = this.#isProvablyUnprocessed ? "no" : error.processed;
    this.#finish(
      new RpcError(error.code, error.rawMessage, { processed, cause: error, peer: this.#owner.address }),
      undefined,
    );
  }

  sendingCaughtUp(): void {
    if (this.#endWaits) {
      this.#endWaits = false;
      this.#writeEnd();
    } else {
      this.#responses.ready();
    }
  }

  protected deliver(value: unknown, end: boolean): boolean {
    const wanted = this.state === "open" || this.state === "sent";
    const room = wanted ? this.#responses.message(value) : true;
    if (end) this.#finish(undefined, undefined);
    return room;
  }

  protected refuse(error: RpcError): void {
    const explained = new RpcError(error.code, `${this.#call.method.fullName}: ${error.rawMessage}`, {
      cause: error,
      processed: "yes",
      peer: this.#owner.address,
    });
    this.cancel(explained);
  }

  /** Nothing of it was sent, or the handler lacks a part of the one request that it starts with. */
  get #isProvablyUnprocessed(): boolean {
    if (this.ordinal === 0) return true;
    return !streamsRequests(this.#call.method.kind) && (this.state === "open" || this.waiting !== undefined);
  }

  /** Writes the `start` frame. Returns whether there is room for more. */
  #start(value: unknown, hasMessage: boolean, last: boolean): boolean {
    const call = this.#call;
    if (call.metadata !== undefined && metadataCost(call.metadata) > this.#owner.peerMaxMetadataBytes) {
      const limit = this.#owner.peerMaxMetadataBytes;
      this.cancel(
        new RpcError("RESOURCE_EXHAUSTED", `the metadata is larger than the server's limit of ${limit} bytes`, {
          processed: "no",
        }),
      );
      return true;
    }
    const { queue, sender } = this.channel;
    const { writer } = queue;
    const { requestPositional } = this.#binding;
    let frame = -1;
    let idAt = 0;
    let messageAt = 0;
    let flags = last ? DataFlag.end : 0;
    let taken: Uint8Array | undefined;
    const messageFlags = (requestPositional ? DataFlag.positional : 0) | (last ? DataFlag.end : 0);
    try {
      frame = queue.begin(FrameKind.start);
      idAt = writer.position;
      // The call's number and the flags are known, and written, last.
      writer.position = idAt + 5;
      writeVarint(writer, this.#binding.id);
      if (call.deadline !== Infinity) {
        flags |= DataFlag.deadline;
        // The turn may have begun long before the call; a call that waited began long before the turn.
        writeVarint(writer, timeLeftMs(call.deadline - Math.max(queue.turnAt, call.startedAt ?? 0)));
      }
      if (call.attempt !== 1) {
        flags |= DataFlag.attempt;
        writeVarint(writer, call.attempt);
      }
      if (call.metadata !== undefined && call.metadata.size > 0) {
        flags |= DataFlag.metadata;
        writeMetadata(writer, call.metadata);
      }
      messageAt = writer.position;
      if (hasMessage && sender.fits(frame, this, call.codec.request, value, requestPositional)) {
        flags |= DataFlag.message | messageFlags;
      } else if (hasMessage) {
        taken = queue.takeFrom(messageAt);
        flags &= ~DataFlag.end;
      }
    } catch (error) {
      if (frame >= 0) queue.abandon(frame);
      this.cancel(sendingError(call, "its request", error, "no"));
      return true;
    }
    // Code that ran while the message was encoded may have cancelled the call.
    if (this.state !== "open") {
      queue.abandon(frame);
      return true;
    }
    if (hasMessage && taken === undefined) sender.pay(this, writer.position - messageAt);
    this.#owner.callBegins(this);
    putU32(writer.buffer, idAt, this.id);
    writer.buffer[idAt + 4] = flags;
    if (last) this.state = "sent";
    queue.finish(frame);
    if (taken !== undefined) sender.wait(this, taken, messageFlags);
    return this.waiting === undefined;
  }

  #writeEnd(): void {
    this.channel.write(FrameKind.end, (to) => writeU32(to, this.id));
  }

  #badMetadata(error: unknown): void {
    if (!(error instanceof MetadataError)) throw error;
    this.cancel(
      new RpcError(error.tooLarge ? "RESOURCE_EXHAUSTED" : "INTERNAL", `the server's ${error.message}`, {
        processed: "yes",
      }),
    );
  }

  #finish(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.state === "ended") return;
    const wanted = this.state !== "cancelled";
    this.state = "ended";
    this.discard();
    this.#owner.callEnded(this);
    if (wanted) this.#responses.end(error, trailers);
  }
}

function timeLeftMs(ms: number): number {
  return Math.min(Math.max(1, Math.ceil(ms)), 0xffffffff);
}
