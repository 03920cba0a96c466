import { clientStream, service } from "farcall";
import { z } from "zod";

const reading = z.object({ date: z.iso.date(), maxCelsius: z.number(), rainMm: z.number().nonnegative() });

/** Client stream: many requests, then one response. */
export const Weather = service("tour.weather.v1.Weather", {
  /** A sensor reports day by day, and gets a summary when it is done. */
  report: clientStream({
    input: reading,
    output: z.object({ days: z.number(), hottest: reading, wettest: reading, rainMm: z.number() }),
  }),
});
