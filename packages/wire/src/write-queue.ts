import { ByteWriter, copyBytes } from "@farcall/core";
import { giveBuffer, noBuffer, takeBuffer } from "./buffer-pool.ts";
import type { Connection } from "./connection.ts";
import { headerBytes } from "./frame.ts";
import { spareBuffer } from "./spare-buffer.ts";

declare const process: { nextTick?(callback: () => void): void } | undefined;

// After the microtasks of this turn, before input and timers. A microtask would fire between the items of an async
// generator, and each item would be a write of its own.
const atEndOfTick: (callback: () => void) => void =
  typeof process === "object" && typeof process.nextTick === "function"
    ? (callback) => process?.nextTick?.(callback)
    : (callback) => setTimeout(callback, 0);

/**
 * After so many frames or bytes in one turn they leave at once: the peer works on them while this end goes on, and two
 * processes share the time that one after the other would take. The first few leave early so that the peer is soon at
 * work; it has enough to do then, and each further write costs what it no longer gains.
 */
const firstFrames = 40;
const furtherFrames = 256;
const flushBytes = 16 * 1024;
/** Beyond this much in one turn, parts of large messages wait for the next. */
const roomBytes = 64 * 1024;
/** Messages from this size on are not copied when they have to wait. */
const largeBytes = 16 * 1024;
/** Beyond this much behind a connection that takes no more, messages wait with their calls. */
const congestedBytes = 256 * 1024;
/** Beyond this much, all of it answers to a peer that does not read, nothing more is read from it. */
const floodedBytes = 4 * 1024 * 1024;

const takeLarge = (bytes: number): Uint8Array => spareBuffer.take(bytes);

/**
 * Frames on their way out. Those of one turn of the event loop leave together, in one write or few; messages are encoded
 * straight into the buffer that is written. While the connection is busy with a write, the next one gathers.
 */
export class WriteQueue {
  readonly writer: ByteWriter = new ByteWriter(0, takeLarge);
  readonly #connection: Connection;
  /** Called when there is room again after congestion. */
  readonly #onRoom: () => void;
  /** How often the buffer has been written: a place in it is one only until then. */
  flushes = 0;
  #frames = 0;
  #flushAt = firstFrames;
  /** A frame has begun and not ended: user code may run, such as a getter of the message, and use the connection. */
  #building = false;
  readonly #afterwards: (() => void)[] = [];
  #scheduled = false;
  #turnAt = 0;
  /** The connection keeps a buffer of ours and takes no more until `drained`. */
  #blocked = false;
  #inFlight: Uint8Array | undefined = undefined;
  #leaving: Uint8Array | undefined = undefined;
  #paused = false;
  #closed = false;
  #closeAfterFlush = false;

  constructor(connection: Connection, onRoom: () => void) {
    this.#connection = connection;
    this.#onRoom = onRoom;
  }

  /** Should messages wait? Control frames never do. */
  get congested(): boolean {
    return this.#blocked && this.writer.position > congestedBytes;
  }

  /** May parts of large messages be added? They wait with their calls, so that small ones pass them. */
  get hasRoom(): boolean {
    return !this.#blocked && this.writer.position < roomBytes;
  }

  /** Is nothing on its way out? */
  get idle(): boolean {
    return !this.#blocked && this.writer.position === 0;
  }

  /**
   * Begins a frame; returns its place for `finish`. The fields are written to `writer`.
   * @throws Error when another has begun and not ended.
   */
  begin(kind: number): number {
    const { writer } = this;
    if (this.#building) throw insideAnother();
    this.#building = true;
    writer.reserve(64);
    this.#frames++;
    const start = writer.position;
    writer.buffer[start + 3] = kind;
    writer.position = start + headerBytes;
    return start;
  }

  /** Ends the frame, or what was added to it since: it will leave at the end of this turn. */
  finish(start: number): void {
    const { buffer, position } = this.writer;
    const length = position - start - headerBytes;
    buffer[start] = length;
    buffer[start + 1] = length >>> 8;
    buffer[start + 2] = length >>> 16;
    this.#built();
    if (!this.#scheduled) this.#schedule();
    if ((this.#frames >= this.#flushAt || position >= flushBytes) && !this.#blocked) this.#flushEarly();
  }

  /**
   * Now, ms of `performance.now()`: read once a turn, because the clock costs as much as the frame that asks for it.
   * What is written in a turn leaves at its end in any case.
   */
  get turnAt(): number {
    if (!this.#scheduled) this.#schedule();
    return this.#turnAt;
  }

  #schedule(): void {
    this.#scheduled = true;
    this.#turnAt = performance.now();
    atEndOfTick(this.#flushScheduled);
  }

  #flushEarly(): void {
    this.#flushAt = furtherFrames;
    this.#turnAt = performance.now();
    this.flush();
  }

  /** Takes back what was begun, or reopened; harmless when it was already. */
  abandon(start: number): void {
    if (!this.#building) return;
    this.writer.position = start;
    // Nothing may be written for long, and the buffer may have grown by a large message that was not sent.
    if (start === 0) this.#giveBack();
    this.#built();
  }

  /** Goes on with the frame that was finished last. */
  reopen(): void {
    if (this.#building) throw insideAnother();
    this.#building = true;
  }

  get building(): boolean {
    return this.#building;
  }

  /** Does `write`, which does not throw, as soon as the frame has ended that is being built. */
  afterFrame(write: () => void): void {
    this.#afterwards.push(write);
  }

  #built(): void {
    this.#building = false;
    if (this.#afterwards.length > 0) for (const write of this.#afterwards.splice(0)) write();
  }

  /** Appends raw bytes. */
  write(bytes: Uint8Array): void {
    this.writer.write(bytes);
  }

  /**
   * The bytes from `start` on, as memory of their own, and out of the buffer. Large ones are not copied: they take the
   * buffer with them.
   */
  takeFrom(start: number): Uint8Array {
    const { writer } = this;
    const end = writer.position;
    let taken: Uint8Array;
    if (end - start < largeBytes) {
      taken = copyBytes(writer.buffer, start, end);
    } else {
      taken = writer.buffer.subarray(start, end);
      const before = writer.buffer.subarray(0, start);
      writer.buffer = takeBuffer(start);
      writer.buffer.set(before);
    }
    writer.position = start;
    return taken;
  }

  /** Writes what has gathered. */
  flush(): void {
    const { writer } = this;
    if (this.#closed || this.#blocked || this.#building) return;
    this.#frames = 0;
    if (writer.position > 0) {
      this.flushes++;
      const chunk = writer.buffer.subarray(0, writer.position);
      if (this.#connection.write(chunk)) return this.#written();
      this.#blocked = true;
      this.#inFlight = writer.buffer;
      writer.buffer = noBuffer;
      writer.position = 0;
    }
    if (this.#closeAfterFlush && this.idle) this.#connection.close();
  }

  #written(): void {
    this.writer.position = 0;
    this.#giveBack();
    if (this.#closeAfterFlush) this.#connection.close();
  }

  /** An empty buffer is for whoever has something to say next. */
  #giveBack(): void {
    const { writer } = this;
    if (writer.buffer.length > 0) giveBuffer(writer.buffer);
    writer.buffer = noBuffer;
  }

  /** Writes what has gathered. Returns whether the connection takes more right now. */
  clear(): boolean {
    this.flush();
    return !this.#blocked && !this.#closed;
  }

  /**
   * Writes bytes from where they are, without a copy; `clear` has just returned true. They are the connection's until
   * `clear` returns true again.
   */
  writeInPlace(bytes: Uint8Array): void {
    if (!this.#connection.write(bytes)) this.#blocked = true;
  }

  /** All of `bytes`, which `takeFrom` gave, has been written: their memory may be used again when they have left. */
  release(bytes: Uint8Array): void {
    if (this.#blocked) this.#leaving = bytes;
    else spareBuffer.give(bytes);
  }

  /** The connection has taken what it kept. */
  drained(): void {
    if (this.#inFlight !== undefined) giveBuffer(this.#inFlight);
    this.#inFlight = undefined;
    this.#blocked = false;
    if (this.#leaving !== undefined) spareBuffer.give(this.#leaving);
    this.#leaving = undefined;
    this.flush();
    if (this.#blocked || this.#closed) return;
    if (this.#paused) {
      this.#paused = false;
      this.#connection.resume();
    }
    this.#onRoom();
  }

  /** Stops reading from a peer that makes us answer and does not read the answers. Returns whether that began now. */
  checkFlood(): boolean {
    if (!this.#blocked || this.#paused || this.writer.position < floodedBytes) return false;
    this.#paused = true;
    this.#connection.pause();
    return true;
  }

  /** Closes the connection when everything has left. */
  closeAfterFlush(): void {
    this.#closeAfterFlush = true;
    this.flush();
  }

  /** The connection is over. */
  close(): void {
    this.#closed = true;
    this.#inFlight = this.#leaving = undefined;
    this.writer.position = 0;
  }

  #flushScheduled = (): void => {
    this.#scheduled = false;
    this.#flushAt = firstFrames;
    this.flush();
    if (!this.#blocked && !this.#closed) this.#onRoom();
  };
}

function insideAnother(): Error {
  return new Error("it was sent by code that runs while another message is encoded, such as a getter of that message");
}
