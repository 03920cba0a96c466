import type { Connection, ConnectionEvents, Connector, Listener } from "../../src/index.ts";

/** What a test may do to a connection, and see of it. */
export interface PairOptions {
  /** Time from `write` to `data`, ms. 0: the next turn. */
  readonly delayMs?: number;
  /** Bytes on their way above which `write` returns false. */
  readonly bufferBytes?: number;
}

/** One end of a connection in memory, cut into chunks as they were written. */
export class PairEnd implements Connection {
  readonly peer = { address: "pair", transport: "test" };
  other!: PairEnd;
  /** Every chunk that was written, as long as `record` is set. */
  readonly written: Uint8Array[] = [];
  record = false;
  writes = 0;
  paused = false;
  state: "open" | "closed" = "open";
  readonly #options: PairOptions;
  #events: ConnectionEvents | undefined;
  #inbox: (Uint8Array | "end")[] = [];
  #unread = 0;
  #blocked = false;
  #running = false;

  constructor(options: PairOptions) {
    this.#options = options;
  }

  /** What this end has received and not delivered. */
  get unread(): number {
    return this.#unread;
  }

  open(events: ConnectionEvents): void {
    this.#events = events;
    this.#run();
  }

  write(chunk: Uint8Array): boolean {
    if (this.state !== "open") return false;
    this.writes++;
    if (this.record) this.written.push(Uint8Array.from(chunk));
    this.#blocked = this.other.#unread + chunk.length > (this.#options.bufferBytes ?? 1024 * 1024);
    // What is kept until `drained` is read when it is delivered: who overwrites it before sends something else.
    this.other.#arrive(this.#blocked ? chunk : Uint8Array.from(chunk));
    return !this.#blocked;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.#run();
  }

  close(): void {
    if (this.state !== "open") return;
    this.other.#arrive("end");
    this.#end(undefined);
  }

  destroy(error?: Error): void {
    if (this.state !== "open") return;
    this.#end(error);
    this.other.#end(new Error("reset by the other end"));
  }

  #arrive(chunk: Uint8Array | "end"): void {
    if (this.state !== "open") return;
    if (chunk !== "end") this.#unread += chunk.length;
    const arrive = (): void => {
      this.#inbox.push(chunk);
      this.#run();
    };
    if (this.#options.delayMs) setTimeout(arrive, this.#options.delayMs);
    else arrive();
  }

  #run(): void {
    if (this.#running || this.#events === undefined) return;
    this.#running = true;
    setImmediate(() => {
      this.#running = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.state !== "open" || this.paused) return;
    const next = this.#inbox.shift();
    if (next === undefined) return;
    if (next === "end") return this.#end(undefined);
    this.#unread -= next.length;
    const chunk = Uint8Array.from(next);
    this.#events?.data(chunk);
    chunk.fill(0xee);
    if (this.#unread === 0) setImmediate(() => this.other.#drain());
    this.#run();
  }

  #drain(): void {
    // Something may have been written since.
    if (!this.#blocked || this.state !== "open" || this.other.#unread > 0) return;
    this.#blocked = false;
    this.#events?.drained();
  }

  #end(error: Error | undefined): void {
    if (this.state !== "open") return;
    this.state = "closed";
    this.#inbox = [];
    this.#unread = 0;
    setImmediate(() => this.#events?.closed(error));
    // A writer that waits for this end must hear of its own end by itself.
    if (this.other.state === "open" && error !== undefined) this.other.#end(error);
  }
}

export function pair(options: PairOptions = {}): { client: PairEnd; server: PairEnd } {
  const client = new PairEnd(options);
  const server = new PairEnd(options);
  client.other = server;
  server.other = client;
  return { client, server };
}

/** A listener and its connector in memory. */
export class Link {
  readonly options: PairOptions;
  /** All connections ever made. */
  readonly connections: { client: PairEnd; server: PairEnd }[] = [];
  /** Set to let attempts to connect fail, or (`"never"`) hang until they are aborted. */
  refuse: Error | "never" | undefined;
  attempts = 0;
  record = false;
  #accept: ((connection: Connection) => void) | undefined;

  constructor(options: PairOptions = {}) {
    this.options = options;
  }

  readonly listener: Listener = {
    listen: async (accept) => {
      this.#accept = accept;
      return {
        address: "pair",
        close: async () => {
          this.#accept = undefined;
        },
      };
    },
  };

  readonly connector: Connector = {
    address: "pair",
    connect: async (signal) => {
      this.attempts++;
      if (this.refuse === "never") {
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
      }
      if (this.refuse instanceof Error) throw this.refuse;
      return this.connect();
    },
  };

  /** A client's end, for tests that write bytes themselves. */
  connect(): PairEnd {
    if (this.#accept === undefined) throw new Error("nobody listens");
    const ends = pair(this.options);
    ends.client.record = ends.server.record = this.record;
    this.connections.push(ends);
    this.#accept(ends.server);
    return ends.client;
  }
}
