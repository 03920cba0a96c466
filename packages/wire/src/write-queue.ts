import { allocateBytes, ByteWriter, copyBytes } from "@farcall/core";
import type { Connection } from "./connection.ts";
import { headerBytes } from "./frame.ts";

declare const process: { nextTick?(callback: () => void): void } | undefined;

// After the microtasks of this turn, before input and timers. A microtask would fire between the items of an async
// generator, and each item would be a write of its own.
const atEndOfTick: (callback: () => void) => void =
  typeof process === "object" && typeof process.nextTick === "function"
    ? (callback) => process?.nextTick?.(callback)
    : (callback) => setTimeout(callback, 0);

// Small, because most connections are idle; it doubles when there is more to say, and stays.
const bufferBytes = 1024;
/** Beyond this much in one turn, bytes leave at once, so that the peer can begin. */
const flushBytes = 64 * 1024;
/** Beyond this much behind a connection that takes no more, messages wait with their calls. */
const congestedBytes = 256 * 1024;
/** Beyond this much, all of it answers to a peer that does not read, nothing more is read from it. */
const floodedBytes = 4 * 1024 * 1024;

/**
 * Frames on their way out. All frames of one turn of the event loop leave in one write; messages are encoded straight
 * into the buffer that is written. While the connection is busy with a write, the next one gathers.
 */
export class WriteQueue {
  readonly writer: ByteWriter = new ByteWriter(bufferBytes);
  readonly #connection: Connection;
  /** Called when there is room again after congestion. */
  readonly #onRoom: () => void;
  #scheduled = false;
  /** The connection keeps a buffer of ours and takes no more until `drained`. */
  #blocked = false;
  #inFlight: Uint8Array | undefined = undefined;
  #spare: Uint8Array | undefined = undefined;
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
    return !this.#blocked && this.writer.position < flushBytes;
  }

  /** Is nothing on its way out? */
  get idle(): boolean {
    return !this.#blocked && this.writer.position === 0;
  }

  /** Begins a frame; returns its place for `finish`. The fields are written to `writer`. */
  begin(kind: number): number {
    const { writer } = this;
    writer.reserve(64);
    const start = writer.position;
    writer.buffer[start + 3] = kind;
    writer.position = start + headerBytes;
    return start;
  }

  /** Ends the frame: it will leave at the end of this turn. */
  finish(start: number): void {
    const { writer } = this;
    const { buffer, position } = writer;
    const length = position - start - headerBytes;
    buffer[start] = length;
    buffer[start + 1] = length >>> 8;
    buffer[start + 2] = length >>> 16;
    if (!this.#scheduled) {
      this.#scheduled = true;
      atEndOfTick(this.#flushScheduled);
    }
    if (position >= flushBytes && !this.#blocked) this.flush();
  }

  /** Takes a begun frame back. */
  abandon(start: number): void {
    this.writer.position = start;
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
    if (end - start < flushBytes) {
      taken = copyBytes(writer.buffer, start, end);
    } else {
      taken = writer.buffer.subarray(start, end);
      const before = writer.buffer.subarray(0, start);
      writer.buffer = allocateBytes(Math.max(bufferBytes, start * 2));
      writer.buffer.set(before);
    }
    writer.position = start;
    return taken;
  }

  /** Writes what has gathered. */
  flush(): void {
    const { writer } = this;
    if (this.#closed || this.#blocked) return;
    if (writer.position > 0) {
      const chunk = writer.buffer.subarray(0, writer.position);
      if (this.#connection.write(chunk)) {
        writer.position = 0;
        if (writer.buffer.length > flushBytes * 4) writer.buffer = allocateBytes(bufferBytes);
      } else {
        this.#blocked = true;
        this.#inFlight = writer.buffer;
        writer.buffer = this.#spare ?? allocateBytes(bufferBytes);
        this.#spare = undefined;
        writer.position = 0;
      }
    }
    if (this.#closeAfterFlush && this.idle) this.#connection.close();
  }

  /** The connection has taken what it kept. */
  drained(): void {
    const buffer = this.#inFlight;
    this.#inFlight = undefined;
    if (buffer !== undefined && buffer.length <= flushBytes * 4) this.#spare = buffer;
    this.#blocked = false;
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
    this.#inFlight = this.#spare = undefined;
    this.writer.position = 0;
  }

  #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
    if (!this.#blocked && !this.#closed) this.#onRoom();
  };
}
