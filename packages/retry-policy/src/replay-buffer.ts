import { messageSize } from "./message-size.ts";

/** Memory that the streams of one client may keep for their retries. */
export class ReplayPool {
  readonly maxBytesPerCall: number;
  readonly maxBytes: number;
  /** What they keep now. */
  bytes = 0;

  constructor(maxBytesPerCall: number, maxBytes: number) {
    this.maxBytesPerCall = maxBytesPerCall;
    this.maxBytes = maxBytes;
  }
}

/** The requests of a stream, kept until it is certain that no other attempt needs them. */
export class ReplayBuffer {
  readonly #pool: ReplayPool;
  #messages: unknown[] = [];
  #bytes = 0;
  /** How many of them the current attempt was given. */
  #given = 0;
  /** The current attempt is not the first, and has not been given everything yet. */
  isReplaying = false;
  /** The caller was told that there is no room, by nobody who would tell it when there is. */
  owesReady = false;
  /** There is more than may be kept: whichever attempt has it is the last. */
  overflowed = false;

  constructor(pool: ReplayPool) {
    this.#pool = pool;
  }

  /** Has the current attempt been given everything? */
  get caughtUp(): boolean {
    return this.#given === this.#messages.length;
  }

  push(message: unknown): void {
    this.#messages.push(message);
    if (this.overflowed) return;
    const room = Math.min(this.#pool.maxBytesPerCall - this.#bytes, this.#pool.maxBytes - this.#pool.bytes);
    const bytes = messageSize(message, room + 1);
    if (bytes > room) {
      this.overflowed = true;
      return;
    }
    this.#bytes += bytes;
    this.#pool.bytes += bytes;
  }

  /** The next message for the current attempt. There is one: it has not caught up. */
  next(): unknown {
    return this.#messages[this.#given++];
  }

  /** Another attempt begins: it needs everything. */
  rewind(): void {
    this.#given = 0;
    this.isReplaying = true;
  }

  /** Nothing is needed any more. */
  release(): void {
    this.#pool.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#messages = [];
    this.#given = 0;
  }
}
