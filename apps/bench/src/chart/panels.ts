import { isFarcall, isLimit, standing } from "../report/standing.ts";
import type { Results } from "../run/results.ts";

/** Bars beside each other, one for each contender. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** What nothing that decodes messages can reach. */
  readonly limit: number | undefined;
}

interface Bar {
  readonly contender: string;
  readonly ours: boolean;
  /** Undefined: it failed, or has no such call. */
  readonly value: number | undefined;
}

const shown = [
  ["Small calls", "calls/s, 64 in flight", "s2", "64"],
  ["1 KiB orders", "calls/s, 64 in flight", "s3", "64"],
  ["One stream", "messages/s, for await", "s4", "iterate"],
] as const;

/** What the chart shows of a run; contenders in the order of the first panel. */
export function panelsOf(results: Results): Panel[] {
  const found = shown.flatMap(([title, unit, scenario, row]) => {
    const one = standing(results, scenario, row);
    return one === undefined ? [] : [{ title, unit, values: one.values }];
  });
  const first = found[0]?.values;
  const contenders = Object.keys(results.contenders)
    .filter((one) => !isLimit(results, one))
    .sort((one, other) => (first?.get(other) ?? 0) - (first?.get(one) ?? 0));
  return found.map(({ title, unit, values }) => ({
    title,
    unit,
    bars: contenders.map((contender) => ({ contender, ours: isFarcall(contender), value: values.get(contender) })),
    limit: values.get("net"),
  }));
}
