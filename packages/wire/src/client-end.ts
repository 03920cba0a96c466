import {
  type Limits,
  type Metadata,
  type MethodCodec,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
} from "@farcall/core";
import { ByteReader } from "./byte-reader.ts";
import { Channel, type ChannelEnd } from "./channel.ts";
import { type ClientBinding, ClientCallEnd, type ClientCallOwner } from "./client-call-end.ts";
import type { Connection } from "./connection.ts";
import { writeBytes, writeString, writeU8, writeVarint } from "./field-writer.ts";
import {
  BoundFlag,
  callKinds,
  DataFlag,
  FrameKind,
  highestVersion,
  initialCallCredit,
  initialConnectionCredit,
  lowestVersion,
  maxMetadataBlockBytes,
} from "./frame.ts";
import type { Hello } from "./hello.ts";
import { messageCost, sendingError } from "./multiplexed-call.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { KeepAliveOptions } from "./wire-options.ts";

export interface ClientEndOptions {
  readonly limits: Limits;
  readonly keepAlive: KeepAliveOptions | false | undefined;
  readonly handshake: Metadata;
}

/** What a client's connection tells the transport that made it. */
export interface ClientEndEvents {
  /** The server has said hello: calls can begin. */
  ready(end: ClientEnd): void;
  /** It takes no new calls any more; those that are open go on. */
  leaving(end: ClientEnd): void;
  /** Nothing more comes or goes. Once; also when it never became ready. */
  closed(end: ClientEnd, error: RpcError): void;
  /** The connection itself is over. Once, last. */
  gone(end: ClientEnd): void;
}

/** What a caller is told to wait when the connection is full, ms. */
const fullRetryAfterMs = 100;

/** Time after which a connection counts as good, ms, though no call was answered. */
const provenAfterMs = 5_000;

/** Each `goAway` that counts walks all calls. */
const maxGoodbyes = 8;

const noLayout = new Uint8Array(0);

/**
 * The client's end of one connection: numbers its calls and gives the server's frames to them.
 *
 *     greeting ── the server's hello ──▶ ready ── goAway or drain() ──▶ leaving ── last call ended ──▶ closed
 */
export class ClientEnd implements ChannelEnd, ClientCallOwner {
  readonly maxMessageBytes: number;
  readonly maxMetadataBytes: number;
  peerMaxMetadataBytes = 0;
  /** What the server announced that it honours. */
  features: readonly string[] = [];
  readonly #events: ClientEndEvents;
  readonly #channel: Channel;
  #state: "greeting" | "ready" | "leaving" | "closed" = "greeting";
  #callCredit = initialCallCredit;
  #maxCalls = 0;
  #calls: (ClientCallEnd | undefined)[] = [];
  /** Numbers of ended calls, to be used again. */
  #free: number[] = [];
  /** Calls that have not begun, so that they have no number yet: the latest, and older ones. */
  #latest: ClientCallEnd | undefined = undefined;
  #unsent = new Set<ClientCallEnd>();
  #open = 0;
  #started = 0;
  /** How many calls the server has accepted, by its last `goAway`; and how often it changed its mind. */
  #accepted = Infinity;
  #goodbyes = 0;
  #readyAt = Infinity;
  /** The server has said something of a call. */
  #answered = false;
  #heard: (() => void) | undefined;
  #bindings = new WeakMap<MethodCodec, ClientBinding>();
  /** That of the last call: most are like the one before, and this costs a comparison. */
  #latestCodec: MethodCodec | undefined = undefined;
  #latestBinding!: ClientBinding;
  #bindingsByName = new Map<string, ClientBinding>();
  #bindingsById: ClientBinding[] = [];

  constructor(connection: Connection, options: ClientEndOptions, events: ClientEndEvents) {
    this.#events = events;
    const { limits } = options;
    this.maxMessageBytes = limits.maxMessageBytes;
    this.maxMetadataBytes = Math.min(limits.maxMetadataBytes, maxMetadataBlockBytes);
    this.#channel = new Channel(connection, this, initialConnectionCredit, {
      keepAlive: options.keepAlive,
      maxMetadataBytes: this.maxMetadataBytes,
      handshakeTimeoutMs: limits.handshakeTimeoutMs,
      minPingIntervalMs: 0,
    });
    this.#channel.greet({
      lowestVersion,
      highestVersion,
      capabilities: 0,
      callCredit: initialCallCredit,
      connectionCredit: initialConnectionCredit,
      maxMessageBytes: limits.maxMessageBytes,
      maxMetadataBytes: this.maxMetadataBytes,
      maxCalls: 0,
      codecs: [],
      features: [],
      metadata: options.handshake,
    });
  }

  get address(): string {
    return this.#channel.peer.address;
  }

  get busy(): boolean {
    return this.#open > 0;
  }

  get accepted(): number {
    return 0;
  }

  /** Was it of use, or did it stay at least? One that greets and leaves at once is as bad as none. */
  get proven(): boolean {
    return this.#answered || performance.now() - this.#readyAt > provenAfterMs;
  }

  /** Has the connection been silent for so long, and without calls, that it should answer a ping first? */
  get doubtful(): boolean {
    return this.#open === 0 && this.#channel.keepAlive.doubtful;
  }

  /** Asks a doubtful connection whether it lives; `heard` follows, or `closed`. */
  ask(heard: () => void): void {
    this.#heard = heard;
    this.#channel.keepAlive.ask();
  }

  /** Begins a call. The connection is ready and not leaving. */
  start(call: OutgoingCall, responses: ResponseSink): RequestSink {
    if (this.#open >= this.#maxCalls) {
      const message = `the connection has ${this.#maxCalls} calls open, the server's limit`;
      const retryAfterMs = fullRetryAfterMs;
      responses.end(
        new RpcError("RESOURCE_EXHAUSTED", message, { processed: "no", retryAfterMs, peer: this.address }),
        undefined,
      );
      return ended;
    }
    let binding: ClientBinding;
    try {
      binding = call.codec === this.#latestCodec ? this.#latestBinding : this.#bindingOf(call);
    } catch (error) {
      responses.end(sendingError(call, "its method's name", error, "no"), undefined);
      return ended;
    }
    const one = new ClientCallEnd(this.#channel, this, this.#callCredit, call, binding, responses);
    // Nearly every call begins before the next one is made; only those that do not cost more than an assignment.
    if (this.#latest !== undefined) this.#unsent.add(this.#latest);
    this.#latest = one;
    if (this.#open++ === 0) this.#channel.keepAlive.watch();
    one.begin();
    return one;
  }

  /** Takes no new calls, and closes after the last. `error` is for those who wait for the handshake. */
  drain(error: RpcError): void {
    if (this.#state === "closed") return;
    const wasGreeting = this.#state === "greeting";
    this.#state = "leaving";
    if (wasGreeting) this.#channel.abandon(error);
    else this.#closeWhenDone();
  }

  /** Ends every call with `error` and closes. */
  close(error: RpcError): void {
    if (this.#state === "closed") return;
    for (const call of this.#allCalls()) call.cancel(error.with({}));
    this.#state = "leaving";
    if (this.#channel.ready) this.#channel.close();
    else this.#channel.abandon(error);
  }

  callBegins(call: ClientCallEnd): void {
    this.#forgetUnsent(call);
    call.id = this.#free.pop() ?? this.#calls.length;
    call.ordinal = ++this.#started;
    this.#calls[call.id] = call;
  }

  callEnded(call: ClientCallEnd): void {
    if (call.ordinal === 0) {
      this.#forgetUnsent(call);
    } else {
      this.#calls[call.id] = undefined;
      this.#free.push(call.id);
    }
    this.#open--;
    if (this.#state === "leaving") this.#closeWhenDone();
  }

  hello(hello: Hello): void {
    if (hello.maxCalls === 0) throw new ProtocolError("the peer is not a server");
    this.#callCredit = hello.callCredit;
    this.#maxCalls = hello.maxCalls;
    this.peerMaxMetadataBytes = Math.min(hello.maxMetadataBytes, maxMetadataBlockBytes);
    this.features = hello.features;
    if (this.#state !== "greeting") return;
    this.#state = "ready";
    this.#readyAt = performance.now();
    this.#events.ready(this);
  }

  data(id: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    const call = this.#find(id);
    if (call.state !== "cancelled") return call.data(flags, bytes, start, end);
    // Nobody wants it, but it was sent on the connection's credit; and it may carry the status.
    this.#channel.received(messageCost(flags, bytes, start, end));
    if ((flags & DataFlag.end) !== 0) call.lost(discarded);
  }

  frame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    switch (kind) {
      case FrameKind.status: {
        const from = new ByteReader(bytes, start, end);
        return this.#find(from.u32()).status(from);
      }
      case FrameKind.header: {
        const from = new ByteReader(bytes, start, end);
        return this.#find(from.u32()).header(from);
      }
      case FrameKind.credit: {
        const from = new ByteReader(bytes, start, end);
        const call = this.#find(from.u32());
        if (call.state !== "cancelled") this.#channel.sender.creditCall(call, from.u32());
        return;
      }
      case FrameKind.bound:
        return this.#bound(new ByteReader(bytes, start, end));
      default:
        throw new ProtocolError(`a server does not send frames of kind 0x${kind.toString(16)}`);
    }
  }

  goAway(accepted: number, error: RpcError | undefined): void {
    // Said again, it matters only if it takes calls back that were accepted.
    if (this.#state === "closed" || accepted >= this.#accepted) return;
    if (++this.#goodbyes > maxGoodbyes) throw new ProtocolError("too many goAways");
    this.#accepted = accepted;
    const wasReady = this.#state === "ready";
    this.#state = "leaving";
    if (wasReady) this.#events.leaving(this);
    const refused = new RpcError("UNAVAILABLE", error?.rawMessage ?? "the server is going away", { processed: "no" });
    for (const call of this.#allCalls()) if (call.ordinal === 0 || call.ordinal > accepted) call.lost(refused);
    this.#closeWhenDone();
  }

  closed(error: RpcError): void {
    this.#state = "closed";
    const calls = this.#allCalls();
    // First, so that a call that begins inside the end of another goes to the next connection, not to this one.
    this.#events.closed(this, error);
    for (const call of calls) call.lost(error);
  }

  gone(): void {
    this.#events.gone(this);
  }

  answered(): void {
    const heard = this.#heard;
    this.#heard = undefined;
    heard?.();
  }

  /** A list of its own, because calls leave while it is walked. */
  #allCalls(): ClientCallEnd[] {
    const calls = this.#calls.filter((call) => call !== undefined);
    calls.push(...this.#unsent);
    if (this.#latest !== undefined) calls.push(this.#latest);
    return calls;
  }

  #forgetUnsent(call: ClientCallEnd): void {
    if (this.#latest === call) this.#latest = undefined;
    else this.#unsent.delete(call);
  }

  #bindingOf(call: OutgoingCall): ClientBinding {
    this.#latestBinding = this.#bindings.get(call.codec) ?? this.#bind(call);
    this.#latestCodec = call.codec;
    return this.#latestBinding;
  }

  /** Gives the method a number on this connection. Clients made anew for each request share it. */
  #bind(call: OutgoingCall): ClientBinding {
    const { codec, method } = call;
    const requestLayout = codec.request.layout ?? noLayout;
    const responseLayout = codec.response.layout ?? noLayout;
    const name = [codec.name, method.kind, method.fullName, requestLayout.join(), responseLayout.join()].join("\n");
    let binding = this.#bindingsByName.get(name);
    if (binding === undefined) {
      const id = this.#bindingsById.length;
      binding = { id, hasRequestLayout: requestLayout.length > 0, requestPositional: false };
      this.#channel.write(FrameKind.bind, (to) => {
        writeVarint(to, id);
        writeU8(to, callKinds.indexOf(method.kind));
        writeString(to, codec.name);
        writeString(to, method.fullName);
        writeBytes(to, requestLayout);
        writeBytes(to, responseLayout);
      });
      this.#bindingsById.push(binding);
      this.#bindingsByName.set(name, binding);
    }
    this.#bindings.set(codec, binding);
    return binding;
  }

  #bound(from: ByteReader): void {
    const binding = this.#bindingsById[from.varint()];
    if (binding === undefined) throw new ProtocolError("an answer to a binding that was not made");
    const requestPositional = (from.u8() & BoundFlag.request) !== 0;
    if (requestPositional && !binding.hasRequestLayout) throw new ProtocolError("a layout that was not offered");
    binding.requestPositional = requestPositional;
  }

  #find(id: number): ClientCallEnd {
    const call = this.#calls[id];
    if (call === undefined) throw new ProtocolError(`a frame for call ${id}, which is not open`);
    this.#answered = true;
    return call;
  }

  #closeWhenDone(): void {
    if (this.#open === 0) this.#channel.close();
  }
}

const discarded: RpcError = new RpcError("CANCELLED", "the call was cancelled");

const ended: RequestSink = {
  message: () => true,
  end: () => {},
  cancel: () => {},
  ready: () => {},
  progress: () => ({ phase: "connecting" }),
};
