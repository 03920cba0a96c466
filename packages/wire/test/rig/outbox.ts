import { SendScheduler, type Sender } from "../../src/send-scheduler.ts";
import { WriteQueue } from "../../src/write-queue.ts";
import { decodeAll, type Frame } from "./frame-text.ts";

/**
 * The sending half of an end, with a connection that does what a test says: it takes chunks at once, or keeps them by
 * reference until `drain`, as a socket does, and then finds out whether anybody has touched them.
 */
export class Outbox {
  /** What `write` says: true, "taken". */
  takes: () => boolean = () => true;
  readonly queue: WriteQueue;
  readonly scheduler: SendScheduler;
  writes = 0;
  #left: Uint8Array[] = [];
  #kept: { readonly chunk: Uint8Array; readonly asWritten: Uint8Array } | undefined;

  constructor() {
    const write = (chunk: Uint8Array): boolean => {
      if (this.#kept !== undefined) throw new Error("a write while the connection is busy");
      this.writes++;
      const asWritten = Uint8Array.from(chunk);
      const taken = this.takes();
      if (taken) this.#left.push(asWritten);
      else this.#kept = { chunk, asWritten };
      return taken;
    };
    const connection = { write, close: () => {}, pause: () => {}, resume: () => {} };
    this.queue = new WriteQueue(connection as never, () => this.scheduler.run());
    this.scheduler = new SendScheduler(this.queue);
  }

  get busy(): boolean {
    return this.#kept !== undefined;
  }

  /** The connection has read what it kept. */
  drain(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    if (Buffer.compare(kept.chunk, kept.asWritten) !== 0) throw new Error("bytes in flight were overwritten");
    this.#left.push(Uint8Array.from(kept.chunk));
    this.queue.drained();
  }

  /** Lets everything leave. Returns the frames that left since the last time. */
  frames(): Frame[] {
    let idle = 0;
    while (idle < 2) {
      const before = this.writes;
      this.queue.flush();
      this.drain();
      this.scheduler.run();
      idle = this.writes === before ? idle + 1 : 0;
    }
    return decodeAll(Buffer.concat(this.#left.splice(0)));
  }
}

/** A call that sends. */
export function sender(id: number, sendCredit = 2 ** 30): Sender & { caughtUp: number } {
  return {
    id,
    sendCredit,
    waiting: undefined,
    over: false,
    caughtUp: 0,
    sendingCaughtUp() {
      this.caughtUp++;
    },
  };
}
