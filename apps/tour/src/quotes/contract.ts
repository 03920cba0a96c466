import { serverStream, service, unary } from "farcall";
import { z } from "zod";

/** Server stream: one request, then as many responses as there are. */
export const Quotes = service("tour.quotes.v1.Quotes", {
  /** A year of monthly prices, one every so many milliseconds. */
  watch: serverStream({
    input: z.object({
      symbol: z.enum(["AAPL", "AMZN", "GOOG", "IBM", "MSFT"]),
      year: z.number().int().min(2000).max(2010),
      everyMs: z.number().int().min(0).max(1_000).default(0),
    }),
    output: z.object({ month: z.string(), price: z.number() }),
  }),
  /** Who was the last to leave before the end? */
  lastToLeave: unary({
    input: z.object({}),
    output: z.object({ symbol: z.string(), quotes: z.number() }),
    effect: "pure",
  }),
});
