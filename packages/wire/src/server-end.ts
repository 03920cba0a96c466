import {
  type CallAcceptor,
  Metadata,
  type MessageCodec,
  type Peer,
  type ResolvedMethod,
  RpcError,
  statusFromNumber,
} from "@farcall/core";
import { ByteReader, MetadataError } from "./byte-reader.ts";
import { Channel, type ChannelEnd } from "./channel.ts";
import type { Connection } from "./connection.ts";
import { writeU8, writeVarint } from "./field-writer.ts";
import {
  BoundFlag,
  callKinds,
  DataFlag,
  FrameKind,
  highestVersion,
  initialCallCredit,
  initialConnectionCredit,
  lowestVersion,
  maxBindings,
  maxLayoutBytes,
  maxMetadataBlockBytes,
  maxNameBytes,
} from "./frame.ts";
import type { Hello } from "./hello.ts";
import { messageCost } from "./multiplexed-call.ts";
import { ProtocolError } from "./protocol-error.ts";
import { type ServerBinding, ServerCallEnd, type ServerCallOwner } from "./server-call-end.ts";
import { startTimer } from "./start-timer.ts";
import { errorNumber, writeStatus } from "./status-frame.ts";
import type { WireServerOptions } from "./wire-options.ts";

/** Why calls of a binding are refused. Not an error: there may be thousands, and nobody may ever call. */
interface Refusal {
  readonly code: RpcError["code"];
  readonly message: string;
}

const noBytes = new Uint8Array(0);
const maxExplainedBindings = 64;
const notServed: Refusal = { code: "UNIMPLEMENTED", message: "no such method or codec" };

/** What a server's connection needs of the transport that accepted it. */
export interface ServerEndOwner {
  readonly acceptor: CallAcceptor;
  readonly options: WireServerOptions;
  /** The connection is over. */
  ended(end: ServerEnd): void;
}

/**
 * The server's end of one connection: gives the frames of calls to their calls.
 *
 *     greeting ── hello, and the hook lets it in ──▶ serving ── drain() ──▶ draining ── last call ended ──▶ closed
 */
export class ServerEnd implements ChannelEnd, ServerCallOwner {
  readonly #owner: ServerEndOwner;
  readonly #acceptor: CallAcceptor;
  readonly #channel: Channel;
  readonly maxMessageBytes: number;
  /** The client's limit. */
  maxMetadataBytes = maxMetadataBlockBytes;
  readonly #maxRequestMetadataBytes: number;
  peer: Peer;
  #state: "greeting" | "serving" | "draining" | "closed" = "greeting";
  #callCredit = initialCallCredit;
  /** For `start` frames, one after the other. */
  readonly #reader = new ByteReader(noBytes, 0, 0);
  #bindings: (ServerBinding | Refusal)[] = [];
  #refusedBindings = 0;
  /** The client may bind and call: it has said hello, and the hook, if there is one, let it in. */
  #admitted = false;
  #calls: (ServerCallEnd | undefined)[] = [];
  #open = 0;
  /** Calls that have begun on this connection, ever. */
  #started = 0;
  #ageTimer: ReturnType<typeof setTimeout> | undefined;

  /** With a `refusal` the connection is turned away before its handshake. */
  constructor(connection: Connection, owner: ServerEndOwner, refusal?: RpcError) {
    this.#owner = owner;
    this.#acceptor = owner.acceptor;
    const { limits } = owner.acceptor;
    this.maxMessageBytes = limits.maxMessageBytes;
    this.#maxRequestMetadataBytes = Math.min(limits.maxMetadataBytes, maxMetadataBlockBytes);
    this.peer = { ...connection.peer, handshake: new Metadata() };
    this.#channel = new Channel(connection, this, initialConnectionCredit, {
      keepAlive: owner.options.keepAlive === false ? false : { idlePingMs: 120_000, ...owner.options.keepAlive },
      maxMetadataBytes: this.#maxRequestMetadataBytes,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      minPingIntervalMs: owner.options.minPingIntervalMs ?? 5_000,
    });
    if (refusal !== undefined) {
      this.#channel.fail(refusal);
      return;
    }
    // A hook that may refuse must have spoken before the client sends calls.
    if (owner.options.onHandshake === undefined) this.#greet();
    this.#limitAge();
  }

  get busy(): boolean {
    return this.#open > 0;
  }

  get accepted(): number {
    return this.#started;
  }

  /** Takes no new calls, and closes after the last. */
  drain(): void {
    if (this.#state === "draining" || this.#state === "closed") return;
    this.#state = "draining";
    this.#channel.goAway();
    this.#closeWhenDone();
  }

  /** Ends everything: open calls are told why, then the connection closes. */
  close(): void {
    const error = new RpcError("UNAVAILABLE", "the server closed", { processed: "unknown" });
    for (const call of this.#calls) {
      if (call === undefined) continue;
      this.#writeRefusal(call.id, error);
      call.cancelled(error);
    }
    this.drain();
    this.#channel.close();
  }

  report(error: RpcError): void {
    this.#acceptor.report(error, this.peer.address);
  }

  callEnded(id: number): void {
    this.#calls[id] = undefined;
    this.#open--;
    if (this.#state === "draining") this.#closeWhenDone();
  }

  hello(hello: Hello): void {
    this.#channel.keepAlive.watch();
    this.#callCredit = hello.callCredit;
    this.maxMetadataBytes = Math.min(hello.maxMetadataBytes, maxMetadataBlockBytes);
    this.peer = { ...this.peer, handshake: hello.metadata };
    const hook = this.#owner.options.onHandshake;
    if (hook === undefined) {
      this.#admitted = true;
      if (this.#state === "greeting") this.#state = "serving";
      return;
    }
    const letIn = (): void => {
      if (this.#state !== "greeting") return;
      this.#state = "serving";
      this.#admitted = true;
      this.#greet();
    };
    const turnAway = (error: unknown): void => {
      const known =
        error instanceof RpcError ? error : new RpcError("UNKNOWN", "the handshake failed", { cause: error });
      const code = statusFromNumber(errorNumber(known.code)) as RpcError["code"];
      this.#channel.fail(new RpcError(code, known.rawMessage, { processed: "no", cause: known }));
    };
    try {
      const pending = hook(this.peer);
      // A promise of whatever realm or library is one: a hook that refuses later must not let everybody in.
      if (pending === undefined) letIn();
      else Promise.resolve(pending).then(letIn, turnAway);
    } catch (error) {
      turnAway(error);
    }
  }

  data(id: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const call = this.#find(id);
    if (call !== undefined) call.data(flags, bytes, start, end);
    else this.#channel.received(messageCost(flags, bytes, start, end));
  }

  frame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    switch (kind) {
      case FrameKind.start:
        return this.#start(bytes, start, end);
      case FrameKind.end:
        return this.#find(new ByteReader(bytes, start, end).u32())?.requestsEnd();
      case FrameKind.cancel: {
        const from = new ByteReader(bytes, start, end);
        return this.#cancel(from.u32(), statusFromNumber(from.u8()));
      }
      case FrameKind.credit: {
        const from = new ByteReader(bytes, start, end);
        const call = this.#find(from.u32());
        if (call !== undefined) this.#channel.sender.creditCall(call, from.u32());
        return;
      }
      case FrameKind.bind:
        return this.#bind(new ByteReader(bytes, start, end));
      default:
        throw new ProtocolError(`a client does not send frames of kind 0x${kind.toString(16)}`);
    }
  }

  goAway(): void {
    // A client that goes away closes when it is done; there is nothing to do before.
  }

  closed(error: RpcError): void {
    clearTimeout(this.#ageTimer);
    this.#state = "closed";
    for (const call of this.#calls)
      call?.cancelled(new RpcError("CANCELLED", "the caller's connection is gone", { cause: error }));
    if (error.code !== "UNAVAILABLE" || error.cause instanceof ProtocolError)
      this.#acceptor.report(error, this.peer.address);
  }

  gone(): void {
    this.#owner.ended(this);
  }

  answered(): void {}

  #greet(): void {
    const { limits, codecs, features } = this.#acceptor;
    this.#channel.greet({
      lowestVersion,
      highestVersion,
      capabilities: 0,
      callCredit: initialCallCredit,
      connectionCredit: initialConnectionCredit,
      maxMessageBytes: limits.maxMessageBytes,
      maxMetadataBytes: this.#maxRequestMetadataBytes,
      maxCalls: limits.maxCallsPerConnection,
      codecs,
      features,
      metadata: new Metadata(),
    });
  }

  #limitAge(): void {
    const { maxConnectionAgeMs, random = Math.random } = this.#owner.options;
    if (maxConnectionAgeMs === undefined || maxConnectionAgeMs === Infinity) return;
    this.#ageTimer = startTimer(() => this.drain(), maxConnectionAgeMs * (0.9 + 0.2 * random()));
    (this.#ageTimer as { unref?(): void }).unref?.();
  }

  #bind(from: ByteReader): void {
    if (!this.#admitted) throw new ProtocolError("a binding before the server's hello");
    const id = from.varint();
    if (id !== this.#bindings.length) throw new ProtocolError(`binding ${id} is out of order`);
    if (id >= maxBindings) throw new ProtocolError(`more than ${maxBindings} bindings`);
    const kind = callKinds[from.u8()];
    const codec = from.string(maxNameBytes);
    const fullName = from.string(maxNameBytes);
    const requestLayout = from.view(from.varint());
    const responseLayout = from.view(from.varint());
    if (kind === undefined) throw new ProtocolError("an unknown kind of call");
    if (requestLayout.length > maxLayoutBytes || responseLayout.length > maxLayoutBytes) {
      throw new ProtocolError(`a layout digest longer than ${maxLayoutBytes} bytes`);
    }
    const resolved = this.#acceptor.resolve(fullName, kind, codec);
    if (resolved instanceof RpcError) {
      const { code, rawMessage: message } = resolved;
      // A client that asks for one more after another learns less; what is kept is shared.
      this.#bindings.push(++this.#refusedBindings > maxExplainedBindings ? notServed : { code, message });
      return;
    }
    this.#bindings.push(this.#agree(id, resolved, requestLayout, responseLayout));
  }

  /** Positional layouts are used where both ends have the same; the client is told. */
  #agree(id: number, resolved: ResolvedMethod, request: Uint8Array, response: Uint8Array): ServerBinding {
    const requestPositional = sameLayout(resolved.codec.request, request);
    const responsePositional = sameLayout(resolved.codec.response, response);
    if (requestPositional || responsePositional) {
      this.#channel.write(FrameKind.bound, (to) => {
        writeVarint(to, id);
        writeU8(to, (requestPositional ? BoundFlag.request : 0) | (responsePositional ? BoundFlag.response : 0));
      });
    }
    return { ...resolved, requestPositional, responsePositional };
  }

  #start(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#admitted) throw new ProtocolError("a call before the server's hello");
    const from = this.#reader.over(bytes, start, end);
    const id = from.u32();
    const flags = from.u8();
    const binding = this.#bindings[from.varint()];
    if (binding === undefined) throw new ProtocolError("a call of a method that is not bound");
    const deadline = (flags & DataFlag.deadline) !== 0 ? this.#channel.keepAlive.heardAt + from.varint() : Infinity;
    const attempt = (flags & DataFlag.attempt) !== 0 ? from.varint() : 1;
    let metadata: Metadata | undefined;
    let refusal: RpcError | undefined =
      "method" in binding ? undefined : new RpcError(binding.code, binding.message, { processed: "no" });
    if ((flags & DataFlag.metadata) !== 0) {
      try {
        metadata = from.metadata(this.#maxRequestMetadataBytes);
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error;
        refusal ??= new RpcError(error.tooLarge ? "RESOURCE_EXHAUSTED" : "INTERNAL", error.message, {
          processed: "no",
        });
      }
    }
    const hasMessage = (flags & DataFlag.message) !== 0;
    const messageAt = from.position;
    // An idle connection should not keep the chunk.
    from.over(noBytes, 0, 0);
    // Calls that begin after this end said goodbye are the client's to move; it knows which they are.
    const accepted = this.#state === "serving";
    if (id >= this.#acceptor.limits.maxCallsPerConnection) refusal ??= this.#tooManyCalls();
    else this.#takeNumber(id);
    if (!accepted || refusal !== undefined) {
      if (hasMessage) this.#channel.received(messageCost(flags & DataFlag.end, bytes, messageAt, end));
      if (!accepted) return;
      this.#started++;
      this.#writeRefusal(id, refusal as RpcError);
      return;
    }
    this.#started++;
    this.#open++;
    const resolved = binding as ServerBinding;
    const call = new ServerCallEnd(this.#channel, this, resolved, id, this.#callCredit, deadline, attempt, metadata);
    this.#calls[id] = call;
    if (this.#open === 1) this.#channel.keepAlive.watch();
    call.begin(this.#acceptor.handle);
    if (hasMessage) call.data(flags & (DataFlag.end | DataFlag.positional), bytes, messageAt, end);
    else if ((flags & DataFlag.end) !== 0) call.requestsEnd();
  }

  #cancel(id: number, code: ReturnType<typeof statusFromNumber>): void {
    const call = this.#find(id);
    if (call === undefined) return;
    const error = new RpcError(code === "OK" ? "CANCELLED" : code, "the caller cancelled");
    // The client frees the number when it has this.
    this.#writeRefusal(id, error);
    call.cancelled(error);
  }

  /** Numbers are used again before a new one is taken, so that this table is as long as there were calls at once. */
  #takeNumber(id: number): void {
    if (id > this.#calls.length) throw new ProtocolError(`call number ${id} is out of order`);
    if (id === this.#calls.length) this.#calls.push(undefined);
    else if (this.#calls[id] !== undefined) throw new ProtocolError(`call ${id} is open already`);
  }

  /** The call of this number, or undefined when it has ended: frames may still be under way to it. */
  #find(id: number): ServerCallEnd | undefined {
    // Nothing is kept of numbers beyond the limit: their calls were refused.
    if (id >= this.#calls.length && id < this.#acceptor.limits.maxCallsPerConnection) {
      throw new ProtocolError(`a frame for call ${id}, which never began`);
    }
    return this.#calls[id];
  }

  #writeRefusal(id: number, error: RpcError): void {
    this.#channel.write(FrameKind.status, (to) => writeStatus(to, id, undefined, error, undefined, 0));
  }

  #tooManyCalls(): RpcError {
    const limit = this.#acceptor.limits.maxCallsPerConnection;
    return new RpcError("RESOURCE_EXHAUSTED", `the connection has ${limit} calls open, its limit`, {
      processed: "no",
      retryAfterMs: 100,
    });
  }

  #closeWhenDone(): void {
    if (this.#open === 0) this.#channel.close();
  }
}

function sameLayout(codec: MessageCodec, offered: Uint8Array): boolean {
  const { layout } = codec;
  if (layout === undefined || offered.length === 0 || layout.length !== offered.length) return false;
  return layout.every((byte, i) => byte === offered[i]);
}
