import { readFileSync } from "node:fs";

/** The airports by number, the busiest first, and where one can fly from each. */
export interface Network {
  readonly airports: readonly string[];
  /** Flights of each airport, departures and arrivals. */
  readonly flights: readonly number[];
  readonly destinations: readonly (readonly number[])[];
}

/** Flights within the USA, from the package vega-datasets: `origin,destination,count`, nothing quoted. */
export function readNetwork(): Network {
  const file = new URL("../data/flights-airport.csv", import.meta.resolve("vega-datasets"));
  const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split(/\r?\n/);
  if (header !== "origin,destination,count") throw new Error(`${file.pathname} has the columns ${header}`);
  const rows = lines.map((line) => {
    const [from = "", to = "", count] = line.split(",");
    return { from, to, count: Number(count) };
  });

  const traffic = new Map<string, number>();
  for (const { from, to, count } of rows) {
    traffic.set(from, (traffic.get(from) ?? 0) + count);
    traffic.set(to, (traffic.get(to) ?? 0) + count);
  }
  const byTraffic = [...traffic].sort(([a, some], [b, others]) => others - some || (a < b ? -1 : 1));
  const numbers = new Map(byTraffic.map(([airport], number) => [airport, number]));
  const destinations = byTraffic.map((): number[] => []);
  for (const { from, to } of rows) destinations[numbers.get(from) as number]?.push(numbers.get(to) as number);
  return {
    airports: byTraffic.map(([airport]) => airport),
    flights: byTraffic.map(([, count]) => count),
    destinations,
  };
}
