import { startTimer } from "./start-timer.ts";
import type { KeepAliveOptions } from "./wire-options.ts";

/** What keep-alive watches. */
export interface KeepAliveSubject {
  /** Are calls open? Nobody needs an idle connection to be alive. */
  readonly busy: boolean;
  ping(): void;
  /** The peer did not answer. */
  lost(error: Error): void;
}

/**
 * Finds out that a peer is gone when its machine or the network went silently. Time is the wall clock's, because it goes
 * on while a machine sleeps, and a connection that slept is doubtful.
 */
export class KeepAlive {
  readonly #subject: KeepAliveSubject;
  readonly #idleMs: number;
  readonly #timeoutMs: number;
  #lastHeardAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pingedAt: number | undefined;
  #stopped = false;

  constructor(subject: KeepAliveSubject, options: KeepAliveOptions | false = {}) {
    this.#subject = subject;
    this.#idleMs = options === false ? Infinity : (options.idleMs ?? 20_000);
    this.#timeoutMs = options === false ? Infinity : (options.timeoutMs ?? 10_000);
  }

  /** Something arrived. */
  heard(): void {
    this.#lastHeardAt = Date.now();
    if (this.#pingedAt === undefined) return;
    this.#pingedAt = undefined;
    this.#arm(this.#idleMs);
  }

  /** Has the peer been silent for so long that it should be asked before it is trusted with a call? */
  get doubtful(): boolean {
    return Date.now() - this.#lastHeardAt > Math.max(this.#idleMs * 3, 1_000);
  }

  /** A call was opened: from now on the peer is watched. */
  watch(): void {
    if (this.#timer === undefined && this.#idleMs !== Infinity) this.#arm(this.#idleMs);
  }

  /** Asks the peer now. */
  ask(): void {
    if (this.#pingedAt !== undefined || this.#stopped) return;
    this.#pingedAt = Date.now();
    this.#subject.ping();
    this.#arm(this.#timeoutMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || ms === Infinity) return;
    this.#timer = startTimer(this.#check, ms);
    // The connection keeps the process alive, or nothing does; its watchman should not.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #check = (): void => {
    this.#timer = undefined;
    const now = Date.now();
    if (this.#pingedAt !== undefined) {
      const waited = now - this.#pingedAt;
      if (waited < this.#timeoutMs) return this.#arm(Math.min(this.#timeoutMs, this.#timeoutMs - waited));
      // This process slept or was busy: the answer may have arrived and not been read, so it gets its time anew.
      if (waited > this.#timeoutMs * 2) {
        this.#pingedAt = now;
        return this.#arm(this.#timeoutMs);
      }
      this.#subject.lost(new Error(`the peer did not answer a ping within ${this.#timeoutMs} ms`));
      return;
    }
    if (!this.#subject.busy) return;
    const silence = now - this.#lastHeardAt;
    if (silence >= this.#idleMs) this.ask();
    else this.#arm(this.#idleMs - silence);
  };
}
