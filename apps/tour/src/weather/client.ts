import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "farcall";
import type { Guide } from "../guide.ts";
import { readTable } from "../table.ts";
import type { Weather } from "./contract.ts";

/** Sends a year of Seattle's weather, a dot for every month. */
export async function tourWeather(weather: Client<typeof Weather>, guide: Guide): Promise<void> {
  const days = readTable("seattle-weather.csv", ["date", "temp_max", "precipitation"]);

  // Any iterable or async iterable will do for a stream of requests.
  async function* readings(year: number) {
    for (const day of days.filter(({ date }) => date.startsWith(`${year}-`))) {
      yield { date: day.date, maxCelsius: Number(day.temp_max), rainMm: Number(day.precipitation) };
      if (day.date.endsWith("-28")) {
        guide.write("·");
        await sleep(guide.paceMs(80));
      }
    }
  }

  guide.headline("Weather station", "client stream: many requests, one response");
  const summary = await guide.shown(() => weather.report(readings(2015)));
  guide.write("  a year of days sent\n");
  guide.answer(summary, {
    days: 365,
    hottest: { date: "2015-07-19", maxCelsius: 35, rainMm: 0 },
    wettest: { date: "2015-03-15", maxCelsius: 10.6, rainMm: 55.9 },
    rainMm: 1139,
  });
}
