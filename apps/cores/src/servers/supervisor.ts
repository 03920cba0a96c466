import { setTimeout as sleep } from "node:timers/promises";
import type { StartedServer, StartServer } from "./start-server.ts";

export interface SupervisorOptions {
  readonly count: number;
  readonly port: number;
  readonly start: StartServer;
  /** Time that calls in flight have when a server drains, ms; the servers themselves keep to it. */
  readonly graceMs: number;
  /** Time that a server has to begin to listen, ms. Default 20,000. */
  readonly startTimeoutMs?: number;
  /** Wait before a server that ended is replaced, ms; doubled as long as that doesn't help. Default 100, at most 10,000. */
  readonly backoffMs?: number;
  /** Hears what happens, a line each. */
  readonly log: (line: string) => void;
}

/** How long a server that drains may take beyond its grace before it is killed, ms. */
const afterGraceMs = 2_000;
const maxBackoffMs = 10_000;
/** A server that has run for so long was all right: if it ends, the next is started soon, ms. */
const provenAfterMs = 10_000;

/** A place that always has a server. */
interface Place {
  server: StartedServer;
  startedAt: number;
  /** Servers in a row that ended soon. */
  failures: number;
}

/** Keeps several servers on one port: replaces those that end, restarts them one by one, ends them all. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[] = [];
  /** Also those that are no longer, or not yet, in a place. */
  readonly #running = new Set<StartedServer>();
  readonly #retiring = new WeakMap<StartedServer, Promise<void>>();
  readonly #stopping = new AbortController();
  #port: number;
  #restarts: Promise<void> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** Starts the servers. Resolves to their address; rejects when one can't begin to listen. */
  start(): Promise<string> {
    const starting = this.#startAll();
    // Whoever asks for a restart now has to wait for it.
    this.#restarts = starting.then(
      () => {},
      () => {},
    );
    return starting;
  }

  /**
   * Replaces the servers one by one: the next begins to listen before the last begins to drain, so that there are never
   * fewer. Gives up, and leaves the others as they are, when a new one doesn't come up. Never rejects.
   */
  restart(): Promise<void> {
    this.#restarts = this.#restarts.then(() => this.#restartAll());
    return this.#restarts;
  }

  /** Ends all servers, each after its calls. Resolves when none is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#running].map((server) => this.#retire(server)));
  }

  async #startAll(): Promise<string> {
    // The first one finds out which port is free.
    const address = await this.#startPlace();
    await Promise.all(Array.from({ length: this.#options.count - 1 }, () => this.#startPlace()));
    return address;
  }

  async #startPlace(): Promise<string> {
    const { server, address } = await this.#launch();
    const place = { server, startedAt: performance.now(), failures: 0 };
    this.#places.push(place);
    this.#watch(place);
    return address;
  }

  async #restartAll(): Promise<void> {
    for (const place of this.#places) {
      if (this.#stopping.signal.aborted) return;
      const before = place.server;
      try {
        const { server } = await this.#launch();
        // It may have crashed, and been replaced, in the meantime; then there is one to retire all the same.
        const replaced = place.server;
        this.#settle(place, server);
        if (this.#running.has(replaced)) await this.#retire(replaced);
      } catch (error) {
        if (!this.#stopping.signal.aborted)
          this.#options.log(`gave up the restart, ${before.name} stays: ${(error as Error).message}`);
        return;
      }
    }
    if (!this.#stopping.signal.aborted) this.#options.log("restarted all servers");
  }

  /** A server that listens. Rejects when it does not in time; nothing of it is left then. */
  async #launch(): Promise<{ server: StartedServer; address: string }> {
    this.#stopping.signal.throwIfAborted();
    const server = this.#options.start(this.#port);
    this.#running.add(server);
    void server.ended.then(() => this.#running.delete(server));
    const timer = setTimeout(() => server.kill(), this.#options.startTimeoutMs ?? 20_000);
    try {
      const address = await server.listening;
      if (this.#port === 0) this.#port = Number(address.slice(address.lastIndexOf(":") + 1));
      this.#options.log(`${server.name} listens on ${address}`);
      return { server, address };
    } catch (error) {
      throw new Error(`${server.name}: ${(error as Error).message}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  #settle(place: Place, server: StartedServer): void {
    place.server = server;
    place.startedAt = performance.now();
    this.#watch(place);
  }

  /** Replaces the server of a place if it ends there. One that a restart has taken out of its place is not missed. */
  #watch(place: Place): void {
    const { server } = place;
    void server.ended.then(async (how) => {
      if (this.#stopping.signal.aborted || place.server !== server) return;
      this.#options.log(`${server.name} ended unasked: ${how}`);
      while (!this.#stopping.signal.aborted && place.server === server) {
        if (performance.now() - place.startedAt > provenAfterMs) place.failures = 0;
        const waitMs = Math.min((this.#options.backoffMs ?? 100) * 2 ** place.failures++, maxBackoffMs);
        try {
          await sleep(waitMs, undefined, { signal: this.#stopping.signal });
          if (place.server !== server) return;
          const next = (await this.#launch()).server;
          // A restart has been quicker.
          if (place.server !== server) return await this.#retire(next);
          this.#settle(place, next);
          this.#options.log(`${next.name} takes its place`);
        } catch (error) {
          place.startedAt = performance.now();
          if (!this.#stopping.signal.aborted) this.#options.log((error as Error).message);
        }
      }
    });
  }

  /** Lets a server finish its calls and end; ends it when it takes too long. */
  #retire(server: StartedServer): Promise<void> {
    const retiring = this.#retiring.get(server) ?? this.#drain(server);
    this.#retiring.set(server, retiring);
    return retiring;
  }

  async #drain(server: StartedServer): Promise<void> {
    server.drain();
    const timer = setTimeout(() => {
      this.#options.log(`${server.name} has not ended in time and is killed`);
      server.kill();
    }, this.#options.graceMs + afterGraceMs);
    const how = await server.ended;
    clearTimeout(timer);
    this.#options.log(`${server.name} drained and ended: ${how}`);
  }
}
