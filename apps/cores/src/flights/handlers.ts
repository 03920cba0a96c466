import type { Handlers } from "farcall";
import type { ClosuresPool } from "./closures-pool.ts";
import type { Flights } from "./contract.ts";
import { UnknownAirport } from "./contract.ts";
import type { Network } from "./network.ts";

/** `servedBy` is what this server is called. */
export function flightsHandlers(network: Network, pool: ClosuresPool, servedBy: string): Handlers<typeof Flights> {
  const numbers = new Map(network.airports.map((airport, number) => [airport, number]));
  return {
    traffic({ airport }) {
      const number = numbers.get(airport);
      if (number === undefined) throw UnknownAirport({ airport }, `there are no flights from or to ${airport}`);
      const flights = network.flights[number] as number;
      return { flights, destinations: network.destinations[number]?.length ?? 0, servedBy };
    },

    // The signal aborts when the caller is gone or its time is over: the thread is free again then.
    worstClosures: (task, { signal }) => pool.run(task, signal),
  };
}
