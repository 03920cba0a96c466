import { type Handlers, RpcError } from "farcall";
import type { Weather } from "./contract.ts";

export const weatherHandlers: Handlers<typeof Weather> = {
  // The readings are taken as they come; none is kept but the two that are asked for.
  async report(readings) {
    const first = await readings.next();
    if (first.done === true) throw new RpcError("FAILED_PRECONDITION", "a report has at least one reading");
    let hottest = first.value;
    let wettest = first.value;
    let rainMm = first.value.rainMm;
    let days = 1;
    for await (const reading of readings) {
      days++;
      rainMm += reading.rainMm;
      if (reading.maxCelsius > hottest.maxCelsius) hottest = reading;
      if (reading.rainMm > wettest.rainMm) wettest = reading;
    }
    return { days, hottest, wettest, rainMm: Math.round(rainMm) };
  },
};
