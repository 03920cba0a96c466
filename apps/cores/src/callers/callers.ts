import { type AttemptEvent, type Client, type ClientTransport, createClient, RpcError, tcp } from "farcall";
import { Flights } from "../flights/contract.ts";

export interface CallersOptions {
  readonly address: string;
  /** One connection is at one server. Those who want several servers need several. */
  readonly connections: number;
  /** Calls that are open on each of them all the time. */
  readonly inFlight: number;
}

/** What became of calls. */
export interface Tally {
  /** How many each server answered. */
  readonly answers: Map<string, number>;
  /** Attempts that no handler had seen, and that were followed by another. */
  unseen: number;
  /** Attempts that a handler may have seen, and that were followed by another because the method only reads. */
  repeated: number;
  /** Calls that failed all the same. */
  readonly lost: RpcError[];
}

/** Keeps small calls in flight on several connections until it is stopped. */
export class Callers {
  readonly #transports: readonly ClientTransport[];
  readonly #calling: Promise<unknown>;
  /** Resolves with the first answer. */
  readonly begun: Promise<void>;
  #onAnswer: () => void = () => {};
  #tally = emptyTally();
  #stopping = false;
  readonly #stopped = new AbortController();

  constructor({ address, connections, inFlight }: CallersOptions) {
    this.begun = new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
    this.#transports = Array.from({ length: connections }, () => tcp(address));
    this.#calling = Promise.all(
      this.#transports.flatMap((transport) => {
        const flights = createClient(Flights, {
          transport,
          // While a connection is made anew, calls wait for it.
          waitForReady: true,
          // These callers have nothing better to do than to come again, and are not many: no budget holds them back.
          retry: { attempts: 100, budget: false, onAttempt: (event) => this.#count(event) },
        });
        return Array.from({ length: inFlight }, () => this.#keepCalling(flights));
      }),
    );
  }

  /** What became of the calls since this was asked last. */
  takeTally(): Tally {
    const tally = this.#tally;
    this.#tally = emptyTally();
    return tally;
  }

  /** Makes no other calls; those in flight have two seconds. Resolves when all is closed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#transports.map((transport) => transport.close({ graceMs: 2_000 })));
    // Those that wait for another attempt.
    this.#stopped.abort();
    await this.#calling;
  }

  #count({ error, next }: AttemptEvent): void {
    if (next !== "move" && next !== "retry") return;
    if (error?.processed === "no") this.#tally.unseen++;
    else this.#tally.repeated++;
  }

  async #keepCalling(flights: Client<typeof Flights>): Promise<void> {
    const airports = ["ATL", "ORD", "DEN", "ANC", "HNL"];
    const { signal } = this.#stopped;
    for (let n = 0; !this.#stopping; n++) {
      const airport = airports[n % airports.length] as string;
      try {
        const { servedBy } = await flights.traffic({ airport }, { signal });
        this.#onAnswer();
        this.#tally.answers.set(servedBy, (this.#tally.answers.get(servedBy) ?? 0) + 1);
      } catch (error) {
        this.#tally.lost.push(RpcError.from(error));
      }
    }
  }
}

function emptyTally(): Tally {
  return { answers: new Map(), unseen: 0, repeated: 0, lost: [] };
}
