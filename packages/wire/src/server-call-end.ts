import {
  type Call,
  type IncomingCall,
  type Metadata,
  type Peer,
  type RequestSink,
  type ResolvedMethod,
  type ResponseSink,
  RpcError,
  streamsRequests,
  streamsResponses,
} from "@farcall/core";
import type { ServerCallState } from "./call-state.ts";
import type { Channel } from "./channel.ts";
import { metadataCost, writeMetadata, writeU32 } from "./field-writer.ts";
import { DataFlag, FrameKind } from "./frame.ts";
import { MultiplexedCall, sendingError } from "./multiplexed-call.ts";
import { ProtocolError } from "./protocol-error.ts";
import { writeStatus } from "./status-frame.ts";

/** A method number of a connection. */
export interface ServerBinding extends ResolvedMethod {
  readonly requestPositional: boolean;
  readonly responsePositional: boolean;
}

/** What a call needs of its connection's end. */
export interface ServerCallOwner {
  readonly peer: Peer;
  readonly maxMessageBytes: number;
  /** The client's limit. */
  readonly maxMetadataBytes: number;
  /** The call's number is free again. */
  callEnded(id: number): void;
  /** An error that somebody at the server should read of. */
  report(error: RpcError): void;
}

/** One call at the server's end of a connection: what the server is handed, and where its responses go. */
export class ServerCallEnd extends MultiplexedCall implements IncomingCall, ResponseSink {
  readonly method: Call["method"];
  readonly codec: Call["codec"];
  metadata: Metadata | undefined;
  deadline: number;
  values: Call["values"] = undefined;
  attempt: number;
  state: ServerCallState = "open";
  readonly #owner: ServerCallOwner;
  readonly #positional: ServerBinding;
  #requests: RequestSink | undefined = undefined;
  /** The client has said that no request follows. */
  #requestsOver = false;
  /** A single response waits for the end of the call, so that both leave in one frame. */
  #response: unknown = undefined;
  #hasResponse = false;
  /** How the call ends, once the messages before it have left. */
  #finalError: RpcError | undefined = undefined;
  #finalTrailers: Metadata | undefined = undefined;
  /** The status is in the flags of a message that waits for credit. */
  #statusInMessage = false;

  constructor(
    channel: Channel,
    owner: ServerCallOwner,
    binding: ServerBinding,
    id: number,
    sendCredit: number,
    deadline: number,
    attempt: number,
    metadata: Metadata | undefined,
  ) {
    super(channel, id, sendCredit);
    this.#owner = owner;
    this.#positional = binding;
    this.method = binding.method;
    this.codec = binding.codec;
    this.deadline = deadline;
    this.attempt = attempt;
    this.metadata = metadata;
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  /** Hands the call to the server. */
  begin(handle: (call: IncomingCall, responses: ResponseSink) => RequestSink): void {
    this.#requests = handle(this, this);
  }

  /** A message of the client, or a part of one. @throws ProtocolError */
  data(flags: number, bytes: Uint8Array, start: number, end: number): void {
    if (
      (flags & (DataFlag.positional | DataFlag.part)) === DataFlag.positional &&
      !this.#positional.requestPositional
    ) {
      throw new ProtocolError("a positional message of a layout that was not agreed");
    }
    if (this.#requestsOver) throw new ProtocolError("a message behind the end of the requests");
    this.#requestsOver = (flags & DataFlag.end) !== 0;
    this.receive(this.codec.request, flags, bytes, start, end, this.#owner.maxMessageBytes);
  }

  /** The client sends no more requests. */
  requestsEnd(): void {
    this.#requestsOver = true;
    if (this.state !== "open") return;
    if (this.midMessage) throw new ProtocolError("the end in the middle of a message");
    this.state = "answering";
    this.#requests?.end();
  }

  /** The client does not want the answer any more, or its connection is gone. */
  cancelled(error: RpcError): void {
    if (this.state === "ended") return;
    this.#finish();
    this.#requests?.cancel(error);
  }

  // Responses, from the server.

  header(metadata: Metadata): void {
    if (this.state === "ended" || this.state === "finishing") return;
    if (metadataCost(metadata) > this.#owner.maxMetadataBytes) {
      return this.#fail(this.#metadataTooLarge("response header"));
    }
    try {
      this.channel.write(FrameKind.header, (to) => {
        writeU32(to, this.id);
        writeMetadata(to, metadata);
      });
    } catch (error) {
      this.#fail(this.#unwritable("response header", error));
    }
  }

  message(value: unknown): boolean {
    if (this.state === "ended" || this.state === "finishing") return true;
    if (!streamsResponses(this.method.kind)) {
      this.#response = value;
      this.#hasResponse = true;
      return true;
    }
    return this.#send(value, false);
  }

  end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.state === "ended" || this.state === "finishing") return;
    // An error is worth more than what goes with it; a result that lost its trailers is not the result.
    if (error === undefined && trailers !== undefined && metadataCost(trailers) > this.#owner.maxMetadataBytes) {
      return this.#fail(this.#metadataTooLarge("response trailer"));
    }
    if (error === undefined && this.#hasResponse) {
      const withStatus = trailers === undefined;
      const room = this.#send(this.#response, withStatus);
      this.#response = undefined;
      // What could not be encoded has ended the call with another status.
      if ((this.state as ServerCallState) === "ended") return;
      if (withStatus && room) return this.#finish();
      if (withStatus) {
        // The status is in the message's last frame, which waits for credit.
        this.state = "finishing";
        this.#statusInMessage = true;
        return;
      }
    }
    this.#finalError = error;
    this.#finalTrailers = trailers;
    // An error overtakes the messages before it only when nobody will read them.
    if (this.waiting !== undefined) this.state = "finishing";
    else this.#writeStatus();
  }

  ready(): void {
    if (this.state !== "ended") this.release();
  }

  sendingCaughtUp(): void {
    if (this.state !== "finishing") return this.#requests?.ready();
    if (this.#statusInMessage) this.#finish();
    else this.#writeStatus();
  }

  protected deliver(value: unknown, end: boolean): boolean {
    if (this.state !== "open") return true;
    if (end) this.state = "answering";
    return this.#requests?.message(value, end) ?? true;
  }

  protected refuse(error: RpcError): void {
    // A handler that streams requests is running since the call began.
    if (!streamsRequests(this.method.kind)) return this.#fail(error);
    this.#fail(new RpcError(error.code, error.rawMessage, { cause: error.cause, processed: "yes" }));
  }

  #send(value: unknown, end: boolean): boolean {
    try {
      const { sender } = this.channel;
      const { responsePositional } = this.#positional;
      return streamsResponses(this.method.kind)
        ? sender.sendNext(this, this.codec.response, value, responsePositional)
        : sender.send(this, this.codec.response, value, responsePositional, end);
    } catch (error) {
      const failed = sendingError(this, "its response", error, "yes");
      this.#owner.report(failed);
      // What the codec says of the handler's value is the server's own business.
      const isSize = failed.code === "RESOURCE_EXHAUSTED";
      const text = `${this.method.fullName}: the response cannot be encoded`;
      this.#fail(isSize ? failed : new RpcError("INTERNAL", text, { processed: "yes" }));
      return true;
    }
  }

  #metadataTooLarge(what: string): RpcError {
    const message = `${this.method.fullName}: the ${what} is larger than the client's limit of ${this.#owner.maxMetadataBytes} bytes`;
    return new RpcError("RESOURCE_EXHAUSTED", message, { processed: "yes" });
  }

  /** Ends the call from here, and tells both the client and the handler. */
  #fail(error: RpcError): void {
    if (this.state === "ended") return;
    this.discard();
    this.#finalError = error;
    this.#writeStatus();
    this.#requests?.cancel(error);
  }

  /** Reports what went wrong. Returns what the client hears of it. */
  #unwritable(what: string, cause: unknown): RpcError {
    const message = `${this.method.fullName}: the ${what} cannot be written`;
    this.#owner.report(new RpcError("INTERNAL", message, { processed: "yes", cause }));
    return new RpcError("INTERNAL", message, { processed: "yes" });
  }

  #writeStatus(): void {
    const write = (error: RpcError | undefined, trailers: Metadata | undefined): void =>
      this.channel.write(FrameKind.status, (to) =>
        writeStatus(to, this.id, this, error, trailers, this.#owner.maxMetadataBytes),
      );
    try {
      write(this.#finalError, this.#finalTrailers);
    } catch (error) {
      write(this.#unwritable("end", error), undefined);
    }
    this.#finish();
  }

  #finish(): void {
    this.state = "ended";
    this.discard();
    this.#owner.callEnded(this.id);
  }
}
