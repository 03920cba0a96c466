import { Backoff } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { type Endpoint, readEndpoints } from "./endpoint.ts";
import type { ResolveContext, Resolver } from "./resolver.ts";

export interface ResolutionEvents {
  /** A good list. Throwing refuses it. */
  resolved(endpoints: readonly Endpoint[]): void;
  /** The last good list stays. */
  failed(error: Error): void;
}

/** Wait before a resolver that had said all is asked again, ms, however often endpoints fail. */
const againMs = 1_000;

/** Runs a resolver, and runs it again when it fails. */
export class Resolution {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #events: ResolutionEvents;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  /** Those who pause, and would rather go on when a fresh list is wanted. */
  readonly #pausing = new Set<() => void>();
  #running = false;
  /** Why there is no list, or none that is newer. */
  error: Error | undefined = undefined;

  constructor(resolver: Resolver, clock: Clock, random: () => number, events: ResolutionEvents) {
    this.#resolver = resolver;
    this.#clock = clock;
    this.#events = events;
    this.#backoff = new Backoff(random);
  }

  /** Starts; harmless when it has. */
  start(): void {
    if (this.#running || this.#abort.signal.aborted) return;
    this.#running = true;
    void this.#run();
  }

  /** An endpoint failed: the list may be old. */
  refresh(): void {
    for (const wake of this.#pausing) wake();
  }

  close(): void {
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await this.#once();
        // It has said all there is to say, for now.
        await this.#pause(Infinity, againMs);
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
        await this.#pause(this.#backoff.next()).catch(() => {});
      }
    }
  }

  /** From the start of the resolver to its end. @throws what it throws, or that it gave no good list. */
  async #once(): Promise<void> {
    const { signal } = this.#abort;
    const context: ResolveContext = { signal, pause: (ms, atLeastMs) => this.#pause(ms, atLeastMs) };
    const iterator = this.#resolver(context)[Symbol.asyncIterator]();
    let good = 0;
    let refused: Error | undefined;
    try {
      for (;;) {
        const next = await unlessAborted(iterator.next(), signal);
        if (next.done === true) break;
        if (this.#take(next.value)) good++;
        else refused = this.error;
      }
    } finally {
      // It may be in the middle of something that never ends; nobody waits for that.
      void Promise.resolve(iterator.return?.()).catch(() => {});
    }
    if (good > 0) return;
    const why = refused === undefined ? "" : `: ${refused.message}`;
    throw new Error(`the resolver ended without a good list${why}`, { cause: refused });
  }

  #take(list: unknown): boolean {
    try {
      this.#events.resolved(readEndpoints(list));
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.error = undefined;
    this.#backoff.reset();
    return true;
  }

  #failed(thrown: unknown): void {
    this.error = thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
    this.#events.failed(this.error);
  }

  #pause(ms: number, atLeastMs = 0): Promise<void> {
    const { signal } = this.#abort;
    const clock = this.#clock;
    return new Promise((resolve, reject) => {
      const since = clock.now();
      const over = (): void => {
        clock.clearTimeout(timer);
        this.#pausing.delete(wake);
        signal.removeEventListener("abort", aborted);
      };
      const done = (): void => {
        over();
        resolve();
      };
      const aborted = (): void => {
        over();
        reject(signal.reason as Error);
      };
      const wake = (): void => {
        this.#pausing.delete(wake);
        clock.clearTimeout(timer);
        timer = clock.setTimeout(done, Math.max(0, Math.min(ms, atLeastMs) - (clock.now() - since)));
      };
      let timer = ms === Infinity ? undefined : clock.setTimeout(done, ms);
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted);
      this.#pausing.add(wake);
    });
  }
}

/** What `promise` brings, or the signal's reason as soon as it aborts: what others wrote may never settle. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason as Error);
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted);
    const done = (): void => signal.removeEventListener("abort", aborted);
    Promise.resolve(promise).finally(done).then(resolve, reject);
  });
}
