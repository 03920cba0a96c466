import type { OutgoingCall } from "@farcall/core";
import type { Endpoint } from "./endpoint.ts";

/** An endpoint as a policy sees it. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** May it get calls now? Kept up to date between updates. */
  readonly available: boolean;
  /** Calls of this client that are open there. */
  readonly outstanding: number;
  /** Its share now: the endpoint's weight, less while it starts slowly. Changes between updates. */
  readonly weight: number;
  /** The policy's own to write. 0 at first. */
  turn: number;
}

/** Chooses among the endpoints of one transport. */
export interface Balancer {
  /** Those that may get calls have changed, in the order of the list, or their weights have. `all` are those that are listed. */
  update(available: readonly Candidate[], all: readonly Candidate[]): void;
  /**
   * The one that gets this call; undefined when none can, or all are in `skip`. Called for every call: it must not wait,
   * and should allocate nothing.
   */
  pick(call: OutgoingCall, skip: ReadonlySet<Candidate> | undefined): Candidate | undefined;
}

/** How calls are spread. A value: several transports may share it. */
export interface Policy {
  readonly name: string;
  /** Connect to `all` endpoints (the default), or to one after the other until `one` answers. */
  readonly connect?: "all" | "one";
  /** @param random Numbers from 0 to 1. */
  create(random: () => number): Balancer;
}
