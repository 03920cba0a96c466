import { allocateBytes } from "@farcall/core";
import type { Connection, ConnectionEvents } from "../connection.ts";
import { BytePattern } from "./byte-pattern.ts";

/** A connection whose every event is held against the contract of the seam. */
export class WatchedConnection {
  readonly connection: Connection;
  /** What it did that it must not do. */
  readonly violations: string[] = [];
  /** Settles when the connection is over. */
  readonly closed: Promise<Error | undefined>;
  received = 0;
  sent = 0;
  isClosed = false;
  /** Called after each chunk was checked. */
  onData: ((chunk: Uint8Array) => void) | undefined;
  #outgoing: BytePattern;
  #incoming: BytePattern;
  #calling: string | undefined;
  #handling: string | undefined;
  #paused = false;
  #drained: (() => void) | undefined;
  #resolveClosed!: (error: Error | undefined) => void;

  /** What goes out is the pattern of `seed`; what comes in must be. */
  constructor(connection: Connection, seed: number) {
    this.connection = connection;
    this.#outgoing = new BytePattern(seed);
    this.#incoming = new BytePattern(seed);
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  open(): this {
    const events: ConnectionEvents = {
      data: (chunk) => this.#event("data", () => this.#data(chunk)),
      drained: () => this.#event("drained", () => this.#ready()),
      closed: (error) => this.#event("closed", () => this.#ended(error)),
    };
    this.#call("open", () => this.connection.open(events));
    return this;
  }

  /** Writes the next `size` bytes from `memory`, which is overwritten as soon as the contract allows. */
  async send(size: number, memory: Uint8Array = allocateBytes(size)): Promise<void> {
    const chunk = this.#outgoing.fill(memory.subarray(0, size));
    const room = this.write(chunk);
    if (!room) await this.whenDrained();
    if (room || !this.isClosed) chunk.fill(0xee);
  }

  /** Writes, and leaves it to the caller to wait for `whenDrained` after false. */
  write(chunk: Uint8Array): boolean {
    if (this.#drained !== undefined) this.violations.push("the test wrote before drained");
    const room = this.#call("write", () => this.connection.write(chunk));
    this.sent += chunk.length;
    if (!room) this.#drained = () => {};
    return room;
  }

  /** Writes the next `size` bytes of the pattern and hands their memory over. */
  writeNext(size: number): boolean {
    return this.write(this.#outgoing.fill(new Uint8Array(size)));
  }

  /** Resolves when there is room again, or never will be. */
  whenDrained(): Promise<void> {
    if (this.#drained === undefined || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => (this.#drained = resolve));
  }

  pause(): void {
    this.#paused = true;
    this.#call("pause", () => this.connection.pause());
  }

  resume(): void {
    this.#paused = false;
    this.#call("resume", () => this.connection.resume());
  }

  close(): void {
    this.#call("close", () => this.connection.close());
  }

  destroy(error?: Error): void {
    this.#call("destroy", () => this.connection.destroy(error));
  }

  #call<T>(name: string, body: () => T): T {
    const outer = this.#calling;
    this.#calling = name;
    try {
      return body();
    } catch (error) {
      this.violations.push(`${name} threw ${String(error)}`);
      throw error;
    } finally {
      this.#calling = outer;
    }
  }

  #event(name: string, body: () => void): void {
    if (this.#calling !== undefined) this.violations.push(`${name} came from inside ${this.#calling}()`);
    if (this.#handling !== undefined) this.violations.push(`${name} came during ${this.#handling}`);
    if (this.isClosed) this.violations.push(`${name} came after closed`);
    this.#handling = name;
    body();
    this.#handling = undefined;
  }

  #data(chunk: Uint8Array): void {
    if (this.#paused) this.violations.push("data came while paused");
    if (chunk.length === 0) this.violations.push("data came with an empty chunk");
    const at = this.#incoming.mismatch(chunk);
    if (at !== -1) this.violations.push(`byte ${this.received + at} is wrong`);
    this.received += chunk.length;
    this.onData?.(chunk);
    // The chunk is the connection's own again, which may do with it as it likes; nothing more can be checked.
  }

  #ready(): void {
    if (this.#drained === undefined) this.violations.push("drained came although no write had returned false");
    const resolve = this.#drained;
    this.#drained = undefined;
    resolve?.();
  }

  #ended(error: Error | undefined): void {
    if (error !== undefined && !(error instanceof Error))
      this.violations.push("closed with something that is no Error");
    this.isClosed = true;
    this.#drained?.();
    this.#resolveClosed(error);
  }
}
