import { copyBytes } from "@farcall/core";
import type { Connection, ConnectionEvents, ConnectionPeer } from "@farcall/wire";
import { nextTurn } from "./next-turn.ts";

/** How both directions of a connection behave. */
export interface LinkBehaviour {
  /** Time from `write` to `data`, ms. 0: the next turn. */
  readonly latencyMs: number;
  /** Bytes on their way above which `write` returns false. */
  readonly bufferBytes: number;
}

type Arrival = Uint8Array | "end";

/**
 * One end. `write` copies its chunk into the other end's inbox, whose deliveries are turns of their own:
 *
 *     write ──copy──▶ on the way (latency) ──▶ inbox ──turn──▶ data
 *
 * Bytes count as having left once they are in the inbox or on the way to it, so `close` never waits for the reader.
 */
export class MemoryConnection implements Connection {
  readonly peer: ConnectionPeer;
  readonly #link: LinkBehaviour;
  readonly #onEnd: () => void;
  #other!: MemoryConnection;
  #events: ConnectionEvents | undefined;
  #state: "open" | "ending" | "closed" = "open";
  #error: Error | undefined;
  #paused = false;
  /** `write` returned false, and what it took has not been read. */
  #blocked = false;
  #inbox: Arrival[] = [];
  #unread = 0;
  #onTheWay: Arrival[] = [];
  #timers = new Set<ReturnType<typeof setTimeout>>();
  #turnDue = false;
  #drainedDue = false;

  private constructor(address: string, link: LinkBehaviour, onEnd: () => void) {
    this.peer = { address, transport: "memory" };
    this.#link = link;
    this.#onEnd = onEnd;
  }

  /** Two connected ends. Each calls `onEnd` with itself when it is over. */
  static pair(link: LinkBehaviour, onEnd: (end: MemoryConnection) => void): [MemoryConnection, MemoryConnection] {
    const client: MemoryConnection = new MemoryConnection("memory", link, () => onEnd(client));
    const server: MemoryConnection = new MemoryConnection("memory", link, () => onEnd(server));
    client.#other = server;
    server.#other = client;
    return [client, server];
  }

  open(events: ConnectionEvents): void {
    this.#events = events;
    this.#takeTurn();
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true;
    // No more room, ever. A writer that goes on for as long as it hears true must not keep `closed` from its turn.
    if (this.#state !== "open") return false;
    this.#blocked = !this.#other.#take(copyBytes(chunk));
    return !this.#blocked;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#takeTurn();
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#other.#take("end");
    this.#end(undefined);
  }

  destroy(error?: Error): void {
    if (this.#state !== "open") return;
    const other = this.#other;
    this.#end(error);
    other.#end(new Error("the other end of the memory connection was destroyed"));
  }

  /** Something leaves the other end for this one. Returns whether there is room for more. */
  #take(arrival: Arrival): boolean {
    if (arrival !== "end") this.#unread += arrival.length;
    // Whoever has ended reads and drops what comes until the other end knows, as a closed socket does.
    if (this.#state !== "open") this.#takeTurn();
    else if (this.#link.latencyMs > 0) {
      this.#onTheWay.push(arrival);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#inbox.push(this.#onTheWay.shift() as Arrival);
        this.#takeTurn();
      }, this.#link.latencyMs);
      this.#timers.add(timer);
    } else {
      this.#inbox.push(arrival);
      this.#takeTurn();
    }
    return this.#unread < this.#link.bufferBytes;
  }

  #takeTurn(): void {
    if (this.#turnDue || this.#events === undefined) return;
    this.#turnDue = true;
    nextTurn(() => this.#turn(this.#events as ConnectionEvents));
  }

  /** Delivers what is due, one event after the other. What an event sets off waits for another turn. */
  #turn(events: ConnectionEvents): void {
    this.#turnDue = false;
    if (this.#drainedDue && this.#state === "open") {
      this.#drainedDue = false;
      events.drained();
    }
    const due = this.#inbox;
    this.#inbox = [];
    let next = 0;
    while (next < due.length && this.#state === "open" && !this.#paused) {
      const arrival = due[next++] as Arrival;
      if (arrival === "end") {
        this.#end(undefined);
      } else {
        this.#unread -= arrival.length;
        events.data(arrival);
      }
    }
    if (this.#state === "open") {
      this.#inbox = due.slice(next).concat(this.#inbox);
      if (this.#inbox.length > 0 && !this.#paused) this.#takeTurn();
    } else {
      this.#unread = 0;
    }
    if (this.#unread === 0) this.#other.#unblock();
    if (this.#state !== "ending") return;
    this.#state = "closed";
    events.closed(this.#error);
  }

  /** What this end wrote has all been read, or never will be. */
  #unblock(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#drainedDue = true;
    this.#takeTurn();
  }

  #end(error: Error | undefined): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#error = error;
    this.#inbox = [];
    for (const timer of this.#timers) clearTimeout(timer);
    this.#onEnd();
    this.#takeTurn();
  }
}
