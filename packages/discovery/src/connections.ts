import type { ClientTransport, CloseOptions } from "@farcall/core";
import { checkCounts, checkKnown } from "./options.ts";

export interface ConnectionsOptions {
  /** Connections to one endpoint, at most. Default 1. */
  readonly max?: number | undefined;
  /** Calls that may be open on a connection before another one is opened. Default 10,000; a server may allow fewer. */
  readonly maxCalls?: number | undefined;
}

/** @throws RangeError or TypeError that names the option. */
export function connectionLimits(options: ConnectionsOptions = {}): {
  readonly max: number;
  readonly maxCalls: number;
} {
  checkKnown("connections", options, ["max", "maxCalls"]);
  const { max = 1, maxCalls = 10_000 } = options;
  checkCounts({ "connections.max": max, "connections.maxCalls": maxCalls });
  return { max, maxCalls };
}

/** One connection, or one that a transport makes when it is needed. */
export interface Lane {
  readonly transport: ClientTransport;
  open: number;
  /** How many calls it takes: what was configured, or fewer if the server said so. */
  limit: number;
}

/** The connections to one endpoint: the first one for ever, others while there are more calls than it takes. */
export class Connections {
  readonly #connect: () => ClientTransport;
  readonly #limits: { readonly max: number; readonly maxCalls: number };
  readonly #lanes: Lane[];
  #closing = new Set<ClientTransport>();

  /** @throws what `connect` throws */
  constructor(connect: () => ClientTransport, limits: { readonly max: number; readonly maxCalls: number }) {
    this.#connect = connect;
    this.#limits = limits;
    this.#lanes = [this.#newLane()];
  }

  get first(): ClientTransport {
    return (this.#lanes[0] as Lane).transport;
  }

  get size(): number {
    return this.#lanes.length;
  }

  /** One with room for a call; undefined when all are full and there may be no other. */
  take(): Lane | undefined {
    const first = this.#lanes[0] as Lane;
    const lane = first.open < first.limit ? first : this.#otherWithRoom();
    if (lane !== undefined) lane.open++;
    return lane;
  }

  /** A call on it has ended. */
  release(lane: Lane): void {
    lane.open--;
    if (lane.open === 0 && this.#lanes.length > 1) this.#closeSpare(lane);
  }

  /** The server refused a call on it, because it is full with those that are open. */
  full(lane: Lane): void {
    lane.limit = Math.max(1, lane.open);
  }

  /** Closes all, also those that are about to. Called again, it can only shorten the time. */
  async close(options: CloseOptions): Promise<void> {
    await Promise.all(
      [...this.#lanes.map((lane) => lane.transport), ...this.#closing].map((one) => one.close(options)),
    );
  }

  #otherWithRoom(): Lane | undefined {
    const other = this.#lanes.find((lane) => lane.open < lane.limit);
    if (other !== undefined || this.#lanes.length >= this.#limits.max) return other;
    let lane: Lane;
    try {
      lane = this.#newLane();
    } catch {
      // It could be made once, and now it can't: then there is no room.
      return undefined;
    }
    this.#lanes.push(lane);
    return lane;
  }

  #newLane(): Lane {
    const transport = this.#connect();
    if (typeof transport?.handle !== "function") throw new TypeError("`connect` returned no transport");
    return { transport, open: 0, limit: this.#limits.maxCalls };
  }

  /** Not at once: the next call may need it. Only when the others have half of their room left. */
  #closeSpare(lane: Lane): void {
    const others = this.#lanes.filter((one) => one !== lane);
    const used = others.reduce((sum, one) => sum + one.open, 0);
    const room = others.reduce((sum, one) => sum + one.limit, 0);
    if (lane === this.#lanes[0] || used * 2 > room) return;
    this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    const { transport } = lane;
    this.#closing.add(transport);
    void transport.close().finally(() => this.#closing.delete(transport));
  }
}
