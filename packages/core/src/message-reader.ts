import { RpcError } from "./rpc-error.ts";
import { isThenable } from "./thenable.ts";

/** Where a reader's messages come from. */
export interface MessageSource {
  /** The reader has room again. */
  ready(): void;
  /** The reader will take no more messages. */
  cancel(error: RpcError): void;
}

type Waiting<T> = { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void };

/** What `forEach` calls for each message. A promise it returns holds back the next message. */
export type MessageCallback<T> = (message: T) => unknown;

/**
 * The messages of one stream, read once, in one of two ways:
 *
 *     for await (const quote of quotes) …                // pull: simple
 *     await quotes.forEach((quote) => …)                 // push: about three times cheaper per message
 *
 * Either way a slow reader slows the sender down, and leaving early (break, return, throw) cancels the stream.
 * When the call fails, messages that had arrived are delivered first; then the loop or `forEach` throws its `RpcError`.
 * When the caller cancels or the deadline passes, nothing more is delivered.
 */
export class MessageReader<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #source: MessageSource;
  #queue: T[] = [];
  #head = 0;
  #waiting: Waiting<T>[] = [];
  #callback: MessageCallback<T> | undefined;
  #finish: ((error?: RpcError) => void) | undefined;
  /** A promise that the callback returned is pending. */
  #busy = false;
  #held = false;
  #ended = false;
  /** Why the call failed, until somebody has heard of it. */
  #error: RpcError | undefined;
  #failure: RpcError | undefined;
  #used = false;
  /** Read by `forEach`. */
  #pushing = false;

  /** @internal */
  constructor(source: MessageSource) {
    this.#source = source;
  }

  /** @internal Takes a message; returns whether there is room for more. */
  push(message: T): boolean {
    if (this.#ended) return true;
    if (this.#callback !== undefined && !this.#busy) {
      this.#deliver(message);
      return !this.#hold(this.#busy);
    }
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value: message, done: false });
      return true;
    }
    this.#queue.push(message);
    return !this.#hold(true);
  }

  /** @internal Says that no message follows; `error` is why, when the call failed. */
  finish(error: RpcError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = this.#failure = error;
    if (this.#head < this.#queue.length || this.#busy) return;
    this.#settle();
  }

  /** @internal Ends the stream because nobody wants it any more: what has arrived and was not read is dropped. */
  abort(error: RpcError): void {
    if (this.#ended) return;
    this.#queue = [];
    this.#head = 0;
    // Not even a callback that is at work keeps whoever waits from hearing of it.
    this.#busy = false;
    this.finish(error);
  }

  [Symbol.asyncIterator](): this {
    // A second loop over a stream that failed must not look like an empty one.
    if (this.#ended && this.#head === this.#queue.length) this.#error = this.#failure;
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#pushing) return Promise.reject(alreadyRead());
    this.#used = true;
    if (this.#head < this.#queue.length) {
      const value = this.#shift();
      if (this.#queue.length === 0) this.#release();
      return Promise.resolve({ value, done: false });
    }
    if (this.#ended) return this.#endOnce();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Ends the stream early and cancels the call. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Takes no more messages: what has arrived is dropped and the sender is told to stop. */
  cancel(reason: string = "the reader left"): void {
    this.#queue = [];
    this.#head = 0;
    if (this.#ended) {
      this.#error = this.#failure = undefined;
      return;
    }
    this.#ended = true;
    this.#settle();
    this.#source.cancel(new RpcError("CANCELLED", reason));
  }

  /**
   * Calls `callback` with each message as it arrives, and resolves after the last. A promise that the callback returns
   * is awaited before the next message, and an error that it throws cancels the stream and rejects.
   */
  forEach(callback: MessageCallback<T>): Promise<void> {
    if (this.#used) return Promise.reject(alreadyRead());
    this.#used = this.#pushing = true;
    return new Promise((resolve, reject) => {
      this.#finish = (error) => (error === undefined ? resolve() : reject(error));
      this.#callback = callback;
      this.#drain();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  /** Remembers whether the sender was told to wait. */
  #hold(hold: boolean): boolean {
    if (hold) this.#held = true;
    return hold;
  }

  #shift(): T {
    const message = this.#queue[this.#head] as T;
    this.#queue[this.#head++] = undefined as T;
    if (this.#head === this.#queue.length) this.#queue.length = this.#head = 0;
    return message;
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (!this.#ended) this.#source.ready();
  }

  #deliver(message: T): void {
    let result: unknown;
    try {
      result = this.#callback?.(message);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (isThenable(result)) {
      this.#busy = true;
      result.then(
        () => {
          this.#busy = false;
          this.#drain();
        },
        (error) => this.#fail(error),
      );
    }
  }

  /** Gives the callback what has queued up, until it is busy or there is nothing left. */
  #drain(): void {
    while (!this.#busy && this.#callback !== undefined && this.#head < this.#queue.length) this.#deliver(this.#shift());
    if (this.#busy || this.#head < this.#queue.length) return;
    this.#release();
    if (this.#ended) this.#settle();
  }

  #fail(error: unknown): void {
    this.#busy = false;
    const finish = this.#finish;
    this.#callback = this.#finish = undefined;
    finish?.(error as RpcError);
    this.cancel("the reader's callback threw");
  }

  #settle(): void {
    const finish = this.#finish;
    this.#callback = this.#finish = undefined;
    finish?.(this.#error);
    if (finish !== undefined) this.#error = undefined;
    for (const waiting of this.#waiting.splice(0)) this.#endOnce().then(waiting.resolve, waiting.reject);
  }

  /** The error is thrown once; after it, as with every iterator, the stream is simply over. */
  #endOnce(): Promise<IteratorResult<T, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }
}

function alreadyRead(): TypeError {
  return new TypeError("this stream is being read already");
}
