import { type ByteWriter, RpcError, statusFromNumber, statusNumbers } from "@farcall/core";
import { ByteReader, MetadataError, readU32 } from "./byte-reader.ts";
import type { Connection, ConnectionEvents, ConnectionPeer } from "./connection.ts";
import { writeString, writeU32, writeU8 } from "./field-writer.ts";
import { ReceiveWindow, type RoundTrip } from "./flow-window.ts";
import { FrameDecoder, type FrameReceiver } from "./frame-decoder.ts";
import { connectionCredit, dataFieldBytes, firstOptionalKind, FrameKind, preface } from "./frame.ts";
import { type Hello, readHello, writeHello } from "./hello.ts";
import { KeepAlive, type KeepAliveSubject } from "./keep-alive.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Ahead } from "./reassembly.ts";
import { SendScheduler } from "./send-scheduler.ts";
import { startTimer } from "./start-timer.ts";
import { errorNumber } from "./status-frame.ts";
import type { ServerKeepAliveOptions } from "./wire-options.ts";
import { WriteQueue } from "./write-queue.ts";

/** What the two ends of a channel do differently. */
export interface ChannelEnd {
  /** Are calls open? */
  readonly busy: boolean;
  /** Calls of the peer that were accepted on this connection, ever. A client has none. */
  readonly accepted: number;
  /** The peer's hello, once, before any other frame. */
  hello(hello: Hello): void;
  /** A message of a call, a part of one, or several. @throws ProtocolError */
  data(call: number, flags: number, bytes: Uint8Array, start: number, end: number): void;
  /** Another frame that belongs to calls. @throws ProtocolError */
  frame(kind: number, bytes: Uint8Array, start: number, end: number): void;
  /** The peer takes no new calls: it has accepted so many. */
  goAway(accepted: number, error: RpcError | undefined): void;
  /** Bytes came, so the peer lives; whatever they said has been done. */
  answered(): void;
  /** Nothing more comes or goes: whatever is open ends with `error`. Once. */
  closed(error: RpcError): void;
  /** The connection itself is over; `closed` came before. Once, last. */
  gone(): void;
}

export interface ChannelOptions {
  readonly keepAlive: ServerKeepAliveOptions | false | undefined;
  readonly maxMetadataBytes: number;
  readonly handshakeTimeoutMs: number;
  /** Shortest time between the peer's pings, ms; 0 for any. */
  readonly minPingIntervalMs: number;
}

/** Largest size that a connection's window grows to, bytes; a call's grows to half of it. */
export const maxConnectionWindowBytes = 16 * 1024 * 1024;
/** What all calls of a connection may hold unread before the whole connection waits for their readers, bytes. */
const maxHeldBytes = 64 * 1024 * 1024;
/** What may be allocated for messages before they have come, of all calls together, bytes. */
const maxAheadBytes = 32 * 1024 * 1024;
/** Pings beyond the permitted pace that are forgiven. */
const forgivenPings = 3;
/** Time that a peer has to take the last bytes, ms. */
const closeWaitMs = 2_000;

/**
 * One connection as both ends see it: handshake, frames that concern the connection itself (ping, credit, going away),
 * and its end. Frames of calls go to its `ChannelEnd`.
 *
 *     opened ── peer's preface and hello ──▶ ready ── close, fail, or the connection ends ──▶ closed
 *        └────────── timeout, not Farcall, no common version ─────────────────────────────────▲
 */
export class Channel implements ConnectionEvents, FrameReceiver, KeepAliveSubject {
  readonly queue: WriteQueue;
  readonly sender: SendScheduler;
  readonly keepAlive: KeepAlive;
  readonly roundTrip: RoundTrip = { ms: undefined };
  readonly ahead: Ahead = { allowance: maxAheadBytes };
  readonly #connection: Connection;
  readonly #end: ChannelEnd;
  readonly #options: ChannelOptions;
  readonly #decoder: FrameDecoder;
  readonly #window: ReceiveWindow;
  #state: "opened" | "ready" | "closed" = "opened";
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  /** This end has said hello. */
  #greeted = false;
  /** The peer has said hello. */
  #handshakeOver = false;
  /** Why the peer says it closed the connection. */
  #peersReason: RpcError | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #held = 0;
  /** Received while too much was held; to be given back later. */
  #owed = 0;
  #pingSentAt: number | undefined;
  #lastPingAt = -Infinity;
  #pingStrikes = 0;

  constructor(connection: Connection, end: ChannelEnd, windowBytes: number, options: ChannelOptions) {
    this.#connection = connection;
    this.#end = end;
    this.#options = options;
    this.queue = new WriteQueue(connection, () => this.sender.run());
    this.sender = new SendScheduler(this.queue);
    this.keepAlive = new KeepAlive(this, options.keepAlive);
    this.#decoder = new FrameDecoder(this);
    this.#window = new ReceiveWindow(windowBytes, maxConnectionWindowBytes, this.roundTrip);
    this.#handshakeTimer = startTimer(() => {
      this.fail(
        new RpcError("UNAVAILABLE", `no handshake within ${options.handshakeTimeoutMs} ms`, { processed: "no" }),
      );
    }, options.handshakeTimeoutMs);
    this.queue.write(preface);
    connection.open(this);
  }

  get peer(): ConnectionPeer {
    return this.#connection.peer;
  }

  get ready(): boolean {
    return this.#state === "ready";
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get busy(): boolean {
    return this.#end.busy;
  }

  #stopHandshakeTimer(): void {
    clearTimeout(this.#handshakeTimer);
    // It would be kept, with what it refers to, as long as the connection.
    this.#handshakeTimer = undefined;
  }

  /** Says hello. */
  greet(hello: Hello): void {
    this.write(FrameKind.hello, (to) => writeHello(to, hello));
    this.#greeted = true;
    if (this.#handshakeOver) this.#stopHandshakeTimer();
  }

  /** Sends one frame that is not on the hot path. When `fields` throws, so does this, and nothing was written. */
  write(kind: number, fields?: (to: ByteWriter) => void): void {
    if (this.queue.building) return this.#writeLater(kind, fields);
    if (this.#state === "closed") return;
    const frame = this.queue.begin(kind);
    try {
      fields?.(this.queue.writer);
    } catch (error) {
      this.queue.abandon(frame);
      throw error;
    }
    this.queue.finish(frame);
    // Nothing of a flooded connection is read, so its peer has to show that it reads.
    if (this.queue.checkFlood()) this.keepAlive.ask();
  }

  /** User code has used the connection while a message of another call is encoded. */
  #writeLater(kind: number, fields?: (to: ByteWriter) => void): void {
    this.queue.afterFrame(() => {
      try {
        this.write(kind, fields);
      } catch (error) {
        this.#broke(error);
      }
    });
  }

  credit(call: number, bytes: number): void {
    if (this.queue.building) return this.queue.afterFrame(() => this.credit(call, bytes));
    const frame = this.queue.begin(FrameKind.credit);
    writeU32(this.queue.writer, call);
    writeU32(this.queue.writer, bytes);
    this.queue.finish(frame);
    this.#measureRoundTrip();
  }

  /** Counts a message's bytes against the connection, and gives them back unless calls hold too much already. */
  received(bytes: number): void {
    if (this.#held > maxHeldBytes) {
      this.#window.receive(bytes);
      this.#owed += bytes;
      return;
    }
    const credit = this.#window.pass(bytes);
    if (credit > 0) this.credit(connectionCredit, credit);
  }

  /** Calls hold so many bytes more (or less) that nobody has read. */
  hold(bytes: number): void {
    this.#held += bytes;
    if (bytes > 0 || this.#owed === 0 || this.#held > maxHeldBytes) return;
    const credit = this.#window.consume(this.#owed);
    this.#owed = 0;
    if (credit > 0) this.credit(connectionCredit, credit);
  }

  goAway(code: RpcError["code"] | "OK" = "OK", message = ""): void {
    this.write(FrameKind.goAway, (to) => {
      writeU32(to, this.#end.accepted);
      writeU8(to, code === "OK" ? statusNumbers.OK : errorNumber(code));
      writeString(to, message.slice(0, 1024));
    });
  }

  ping(): void {
    this.#pingSentAt ??= performance.now();
    this.write(FrameKind.ping, (to) => {
      to.reserve(8);
      to.buffer.fill(0, to.position, to.position + 8);
      to.position += 8;
    });
  }

  lost(error: Error): void {
    this.#connection.destroy(error);
    this.#finish(new RpcError("UNAVAILABLE", `connection lost: ${error.message}`, { cause: error }));
  }

  /** Ends the connection because of `error`, which everything open on it ends with. The peer is told. */
  fail(error: RpcError): void {
    if (this.#state === "closed") return;
    this.#decoder.stop();
    this.goAway(error.code, error.rawMessage);
    this.close();
    this.#finish(error);
  }

  /** The peer broke the protocol. */
  violated(error: ProtocolError): void {
    const [code, processed] = this.#handshakeOver
      ? (["INTERNAL", "unknown"] as const)
      : (["UNAVAILABLE", "no"] as const);
    this.fail(new RpcError(code, `protocol error: ${error.message}`, { processed, cause: error }));
  }

  /** This end broke. What it threw is the cause, for whoever reads reports; the peer has no business with its text. */
  #broke(error: unknown): void {
    const processed = this.#handshakeOver ? "unknown" : "no";
    this.fail(new RpcError("INTERNAL", "internal error", { processed, cause: error }));
  }

  /** Closes when everything has been written; a peer that does not take it gets a little time and no more. */
  close(): void {
    this.queue.closeAfterFlush();
    this.#closeTimer ??= setTimeout(() => this.#connection.destroy(), closeWaitMs);
  }

  /** Closes now, with `error` for whoever waits. */
  abandon(error: RpcError): void {
    this.#connection.destroy();
    this.#finish(error);
  }

  frame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== "ready" && kind !== FrameKind.hello && kind !== FrameKind.goAway) throw tooEarly();
    switch (kind) {
      case FrameKind.data:
        if (end - start < dataFieldBytes) throw new ProtocolError("a frame ends in the middle of a field");
        return this.#end.data(readU32(bytes, start), bytes[start + 4] as number, bytes, start + dataFieldBytes, end);
      case FrameKind.hello:
        return this.#hello(new ByteReader(bytes, start, end));
      case FrameKind.credit: {
        const from = new ByteReader(bytes, start, end);
        if (from.u32() === connectionCredit) return this.sender.creditConnection(from.u32());
        return this.#end.frame(kind, bytes, start, end);
      }
      case FrameKind.ping:
        return this.#pinged(bytes.subarray(start, end));
      case FrameKind.pong:
        return this.#ponged();
      case FrameKind.goAway:
        return this.#goneAway(new ByteReader(bytes, start, end));
      default:
        if (kind < firstOptionalKind) this.#end.frame(kind, bytes, start, end);
    }
  }

  part(call: number, flags: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#state !== "ready") throw tooEarly();
    this.#end.data(call, flags, bytes, start, end);
  }

  data(chunk: Uint8Array): void {
    this.keepAlive.heard();
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (error instanceof ProtocolError) this.violated(error);
      else this.#broke(error);
    }
    if (this.#state === "ready") this.#end.answered();
  }

  #hello(from: ByteReader): void {
    if (this.#state !== "opened") throw new ProtocolError("a second hello");
    let hello: Hello;
    try {
      hello = readHello(from, this.#options.maxMetadataBytes);
    } catch (error) {
      throw error instanceof MetadataError ? new ProtocolError(error.message) : error;
    }
    this.#state = "ready";
    this.#handshakeOver = true;
    if (this.#greeted) this.#stopHandshakeTimer();
    this.sender.begin(hello.connectionCredit, hello.maxMessageBytes);
    this.#end.hello(hello);
  }

  #pinged(payload: Uint8Array): void {
    if (payload.length !== 8) throw new ProtocolError("a ping is eight bytes");
    const now = performance.now();
    const tooSoon = now - this.#lastPingAt < this.#options.minPingIntervalMs;
    this.#pingStrikes = tooSoon ? this.#pingStrikes + 1 : 0;
    if (this.#pingStrikes > forgivenPings) {
      return this.fail(
        new RpcError("RESOURCE_EXHAUSTED", `pings more often than every ${this.#options.minPingIntervalMs} ms`),
      );
    }
    this.#lastPingAt = now;
    this.write(FrameKind.pong, (to) => to.write(payload));
  }

  #ponged(): void {
    if (this.#pingSentAt === undefined) return;
    const ms = performance.now() - this.#pingSentAt;
    this.#pingSentAt = undefined;
    this.roundTrip.ms = this.roundTrip.ms === undefined ? ms : Math.min(this.roundTrip.ms, ms);
  }

  /** Once, when the first credit shows that there is enough traffic for windows to grow. */
  #measureRoundTrip(): void {
    if (this.roundTrip.ms === undefined && this.#pingSentAt === undefined) this.ping();
  }

  #goneAway(from: ByteReader): void {
    const accepted = from.u32();
    const code = statusFromNumber(from.u8());
    const message = from.string();
    const error =
      code === "OK" ? undefined : new RpcError(code, `the peer closed the connection: ${message}`, { remote: true });
    this.#peersReason = error;
    this.#end.goAway(accepted, error);
  }

  drained(): void {
    this.queue.drained();
  }

  closed(error: Error | undefined): void {
    clearTimeout(this.#closeTimer);
    this.queue.close();
    const unfinished = this.#decoder.midFrame ? " in the middle of a frame" : "";
    const why =
      error === undefined ? `the peer closed the connection${unfinished}` : `connection lost: ${error.message}`;
    const processed = this.#handshakeOver ? "unknown" : "no";
    this.#finish(this.#peersReason ?? new RpcError("UNAVAILABLE", why, { processed, cause: error }));
    this.#end.gone();
  }

  #finish(error: RpcError): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#stopHandshakeTimer();
    this.keepAlive.stop();
    this.#end.closed(error);
  }
}

function tooEarly(): ProtocolError {
  return new ProtocolError("a frame before the hello");
}
