/** Something with a deadline. The links belong to the wheel. */
export interface Expiring {
  /** When, ms on the clock of `performance.now()`. Finite while it is on the wheel. */
  deadline: number;
  wheelNext: Expiring | undefined;
  wheelPrevious: Expiring | undefined;
  /** The slot it hangs in; -1 when it is not on a wheel. */
  wheelSlot: number;
  /** Called once, after the deadline, never before. It is off the wheel by then. */
  expire(): void;
}

const tickMs = 16;
const slotCount = 64;

/**
 * Deadlines of many calls behind one timer. Adding and removing cost a few assignments, where a timer per call costs
 * more than the rest of a small call. A deadline is noticed up to one tick (16 ms) late.
 *
 * The timer sleeps until the next slot with something in it, at most one round (about a second); it keeps the process
 * alive only while there is something on the wheel, and is gone a round after the last.
 */
export class DeadlineWheel {
  /** Made with the first entry: a process may have thousands of clients that are idle. */
  #slots: (Expiring | undefined)[] = [];
  #size = 0;
  /** All slots before this tick have been swept. */
  #tick = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The tick that the timer fires at. */
  #timerTick = 0;
  /** Does the timer keep the process alive? */
  #alive = true;
  #resting = false;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many are on it. */
  get size(): number {
    return this.#size;
  }

  add(entry: Expiring): void {
    const tick = Math.ceil(entry.deadline / tickMs);
    if (this.#size++ === 0) this.#wake();
    const due = Math.max(tick, this.#tick);
    const slot = due % slotCount;
    const first = this.#slots[slot];
    entry.wheelNext = first;
    entry.wheelPrevious = undefined;
    entry.wheelSlot = slot;
    if (first !== undefined) first.wheelPrevious = entry;
    this.#slots[slot] = entry;
    if (due < this.#timerTick) this.#arm(due);
  }

  /** Takes an entry off; harmless when it is not on. */
  remove(entry: Expiring): void {
    if (entry.wheelSlot === -1) return;
    if (entry.wheelPrevious === undefined) this.#slots[entry.wheelSlot] = entry.wheelNext;
    else entry.wheelPrevious.wheelNext = entry.wheelNext;
    if (entry.wheelNext !== undefined) entry.wheelNext.wheelPrevious = entry.wheelPrevious;
    entry.wheelNext = entry.wheelPrevious = undefined;
    entry.wheelSlot = -1;
    // The timer stays armed, so that one call after another does not arm it again each time.
    if (--this.#size === 0 && !this.#resting) {
      this.#resting = true;
      queueMicrotask(this.#rest);
    }
  }

  /** Once a turn, however often the wheel was empty in it: the timer of an empty wheel keeps no process alive. */
  #rest = (): void => {
    this.#resting = false;
    if (this.#size === 0) this.#keepAlive(false);
  };

  #keepAlive(alive: boolean): void {
    if (this.#alive === alive) return;
    this.#alive = alive;
    setReferenced(this.#timer, alive);
  }

  /** From empty to not empty. */
  #wake(): void {
    if (this.#slots.length === 0) this.#slots = Array.from({ length: slotCount });
    if (this.#timer !== undefined) {
      this.#keepAlive(true);
      return;
    }
    this.#tick = Math.floor(this.#now() / tickMs);
    this.#arm(this.#tick + slotCount);
  }

  #arm(tick: number): void {
    clearTimeout(this.#timer);
    this.#timerTick = tick;
    this.#timer = setTimeout(this.#sweep, Math.max(1, tick * tickMs - this.#now()));
    this.#alive = true;
  }

  #sweep = (): void => {
    this.#timer = undefined;
    const now = this.#now();
    const from = this.#tick;
    const until = Math.floor(now / tickMs) + 1;
    // What an expiring call adds belongs to a slot that is yet to come, however late this sweep is.
    this.#tick = Math.max(from, until);
    // After a long sleep every slot is due, and once around sweeps them all.
    const sweeps = Math.min(until - from, slotCount);
    for (let i = 0; i < sweeps; i++) this.#sweepSlot((from + i) % slotCount, now);
    if (this.#size > 0) this.#arm(this.#nextTick());
    else if (this.#timer === undefined) this.#timerTick = 0;
  };

  #sweepSlot(slot: number, now: number): void {
    let entry = this.#slots[slot];
    let due: Expiring[] | undefined;
    for (; entry !== undefined; entry = entry.wheelNext) if (entry.deadline <= now) (due ??= []).push(entry);
    if (due === undefined) return;
    // An expiring call may take others off, so the list is not walked meanwhile.
    for (const one of due) {
      if (one.wheelSlot === -1) continue;
      this.remove(one);
      one.expire();
    }
  }

  /** The next tick whose slot holds something, at most one round ahead. */
  #nextTick(): number {
    for (let ahead = 0; ahead < slotCount; ahead++) {
      if (this.#slots[(this.#tick + ahead) % slotCount] !== undefined) return this.#tick + ahead;
    }
    return this.#tick + slotCount;
  }
}

// In browsers a timer is a number and never keeps anything alive.
function setReferenced(timer: unknown, referenced: boolean): void {
  if (typeof timer !== "object" || timer === null) return;
  const handle = timer as { ref(): void; unref(): void };
  if (referenced) handle.ref();
  else handle.unref();
}
