import { startTimer } from "./start-timer.ts";
import type { ServerKeepAliveOptions } from "./wire-options.ts";

/** What keep-alive watches. */
export interface KeepAliveSubject {
  /** Are calls open? Nobody needs an idle connection to be alive. */
  readonly busy: boolean;
  ping(): void;
  /** The peer did not answer. */
  lost(error: Error): void;
}

/**
 * Finds out that a peer is gone when its machine or the network went silently. Time is the longer of what two clocks
 * say: the wall clock's goes on while a machine sleeps, and a connection that slept is doubtful; the monotonic one
 * cannot be set back.
 */
export class KeepAlive {
  readonly #subject: KeepAliveSubject;
  readonly #idleMs: number;
  readonly #timeoutMs: number;
  readonly #restMs: number;
  /** When something arrived last, on both clocks. Kept in place, because that is noted for every chunk. */
  readonly #lastHeard: { monotonic: number; wall: number } = now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pingedAt: Moment | undefined;
  #stopped = false;

  constructor(subject: KeepAliveSubject, options: ServerKeepAliveOptions | false = {}) {
    this.#subject = subject;
    this.#idleMs = options === false ? Infinity : (options.idleMs ?? 20_000);
    this.#timeoutMs = options === false ? Infinity : (options.timeoutMs ?? 10_000);
    this.#restMs = options === false ? Infinity : (options.idlePingMs ?? Infinity);
  }

  /** When something arrived last, ms of `performance.now()`. */
  get heardAt(): number {
    return this.#lastHeard.monotonic;
  }

  /** Something arrived. */
  heard(): void {
    this.#lastHeard.monotonic = performance.now();
    this.#lastHeard.wall = Date.now();
    if (this.#pingedAt === undefined) return;
    this.#pingedAt = undefined;
    this.#arm(Math.min(this.#idleMs, this.#restMs));
  }

  /** Has the peer been silent for so long that it should be asked before it is trusted with a call? */
  get doubtful(): boolean {
    return msSince(this.#lastHeard) > Math.max(this.#idleMs * 3, 1_000);
  }

  /** A call was opened, or an end that pings idle connections has one: from now on the peer is watched. */
  watch(): void {
    if (this.#timer === undefined) this.#arm(Math.min(this.#idleMs, this.#restMs));
  }

  /** Asks the peer now. */
  ask(): void {
    if (this.#pingedAt !== undefined || this.#stopped) return;
    this.#pingedAt = now();
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
    if (this.#pingedAt !== undefined) {
      const waited = msSince(this.#pingedAt);
      if (waited < this.#timeoutMs) return this.#arm(Math.min(this.#timeoutMs, this.#timeoutMs - waited));
      // This process slept or was busy: the answer may have arrived and not been read, so it gets its time anew.
      if (waited > this.#timeoutMs * 2) {
        this.#pingedAt = now();
        return this.#arm(this.#timeoutMs);
      }
      this.#subject.lost(new Error(`the peer did not answer a ping within ${this.#timeoutMs} ms`));
      return;
    }
    const limitMs = this.#subject.busy ? this.#idleMs : this.#restMs;
    if (limitMs === Infinity && !this.#subject.busy) return;
    const silence = msSince(this.#lastHeard);
    if (silence >= limitMs) this.ask();
    // Looked at again soon, because a call may begin, and calls should not have to set timers.
    else this.#arm(Math.min(this.#idleMs, limitMs - silence));
  };
}

interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

function msSince(moment: Moment): number {
  return Math.max(performance.now() - moment.monotonic, Date.now() - moment.wall);
}
