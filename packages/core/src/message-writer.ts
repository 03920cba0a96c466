import { RpcError } from "./rpc-error.ts";
import { isThenable } from "./thenable.ts";

/**
 * The sending end of a stream, for code that pushes:
 *
 *     for (const reading of readings) if (!out.send(reading)) await out.ready()
 *
 * `send` never blocks and never drops; a sender that ignores its result queues in memory.
 */
export interface MessageWriter<T> {
  /** Sends one message. Returns false when the receiver is behind: wait for `ready()` before the next. */
  send(message: T): boolean;
  /**
   * Resolves when there is room, at once if there is.
   * @throws RpcError (rejects) when the call has ended.
   */
  ready(): Promise<void>;
  /** Has the call ended? Then whatever is sent goes nowhere. */
  readonly ended: boolean;
}

/** Waits for room: the part of a writer that both ends share. @internal */
export class RoomGate {
  #room = true;
  #closed: RpcError | undefined;
  #waiting: { resolve(): void; reject(error: RpcError): void }[] = [];
  #onClose: (() => void) | undefined;

  /** Has the call ended? */
  get ended(): boolean {
    return this.#closed !== undefined;
  }

  /** Is there room right now? Then a loop need not await. */
  get hasRoom(): boolean {
    return this.#room;
  }

  /** Notes what `message` returned, and returns it. */
  note(room: boolean): boolean {
    return (this.#room = room);
  }

  wait(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (this.#room) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  open(): void {
    this.#room = true;
    for (const one of this.#waiting.splice(0)) one.resolve();
  }

  /** Called once when the gate closes; at once when it is closed. Replaces an earlier one. */
  onClose(listener: (() => void) | undefined): void {
    this.#onClose = listener;
    if (this.#closed !== undefined) listener?.();
  }

  /** The call has ended: everybody who waits hears of it. */
  close(error: RpcError | undefined): void {
    if (this.#closed !== undefined) return;
    this.#closed = error ?? new RpcError("CANCELLED", "the call has ended");
    for (const one of this.#waiting.splice(0)) one.reject(this.#closed);
    this.#onClose?.();
  }
}

/** The writer that user code sends with, at either end. @internal */
export function gatedWriter(gate: RoomGate, send: (message: unknown) => boolean): MessageWriter<unknown> {
  return {
    send: (message) => gate.note(send(message)),
    ready: () => gate.wait(),
    get ended() {
      return gate.ended;
    },
  };
}

/** Anything that yields messages one after the other. */
export type Messages<T> = AsyncIterable<T> | Iterable<T>;

/**
 * Sends what `messages` yields, waiting for room between them, until it ends or the call does. When the call ends
 * first, the iterator's `return` is called at once, also while its `next` is pending: a source that is stuck neither
 * keeps the call nor is forgotten. Rejects with what the iterator throws while the call is open. @internal
 */
export async function pump<T>(messages: Messages<T>, gate: RoomGate, send: (message: T) => boolean): Promise<void> {
  const iterator = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]();
  gate.onClose(() => {
    try {
      // Not awaited, and its failure is nobody's concern: the call is over.
      Promise.resolve(iterator.return?.()).catch(() => {});
    } catch {}
  });
  try {
    while (!gate.ended) {
      const next = iterator.next();
      // A plain array must not cost a promise per message.
      const result = isThenable(next) ? await next : next;
      if (result.done === true || gate.ended) return;
      if (!gate.note(send(result.value))) await gate.wait();
    }
  } catch (error) {
    if (!gate.ended) throw error;
  } finally {
    gate.onClose(undefined);
  }
}
