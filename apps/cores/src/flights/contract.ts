import { failure, service, unary } from "farcall";
import { z } from "zod";

const iata = z.string().regex(/^[A-Z]{3}$/);

export const UnknownAirport = failure("cores.flights.v1.UnknownAirport", {
  data: z.object({ airport: iata }),
  code: "NOT_FOUND",
});

/** Questions about the flights between the airports of the USA. One is small, the other keeps a core busy. */
export const Flights = service("cores.flights.v1.Flights", {
  /** How much goes on at one airport. */
  traffic: unary({
    input: z.object({ airport: iata }),
    output: z.object({ flights: z.int(), destinations: z.int(), servedBy: z.string() }),
    errors: [UnknownAirport],
    effect: "pure",
  }),
  /**
   * Which airports, closed together, cut off most: pairs of airports between which no journey is left. Every choice of
   * the busiest ones is tried: 1 of 10 takes tens of milliseconds, 2 of all 305 minutes.
   */
  worstClosures: unary({
    input: z.object({
      among: z.int().min(1).max(305),
      together: z.union([z.literal(1), z.literal(2)]).default(1),
      top: z.int().min(1).max(20).default(3),
    }),
    output: z.object({
      closures: z.array(z.object({ closed: z.array(iata), pairsCutOff: z.int() })),
      computedBy: z.string(),
    }),
    effect: "pure",
  }),
});
