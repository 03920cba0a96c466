import type { Results, RowResult } from "../run/results.ts";
import type { Column } from "../scenarios/scenario.ts";
import { median } from "./statistics.ts";

/** What one column of a row says of every contender. */
export interface Standing {
  readonly scenario: string;
  readonly row: RowResult;
  readonly column: Column;
  /** Medians, in the column's unit, by contender. Those that failed or have no such call are missing. */
  readonly values: ReadonlyMap<string, number>;
}

/** Undefined when the run did not measure it. */
export function standing(results: Results, scenario: string, rowName: string, key?: string): Standing | undefined {
  const row = results.scenarios.find(({ name }) => name === scenario)?.rows.find(({ name }) => name === rowName);
  const column = row?.columns.find((one) => key === undefined || one.key === key);
  if (row === undefined || column === undefined) return undefined;
  const measured = row.results.filter(({ rounds, error }) => rounds.length > 0 && error === undefined);
  const values = measured.map(({ contender, rounds }) => {
    return [contender, median(rounds.map((figures) => figures[column.key] ?? NaN)) / (column.unit ?? 1)] as const;
  });
  return { scenario, row, column, values: new Map(values) };
}

/** Those that understand nothing of what they carry: limits, not competitors. */
export function isLimit(results: Results, contender: string): boolean {
  return results.contenders[contender]?.codec === "raw";
}

export function isFarcall(contender: string): boolean {
  return contender.startsWith("farcall");
}

/** The best of some contenders in this column. */
export function best({ values, column }: Standing, among: (contender: string) => boolean): string | undefined {
  const sign = column.better === "more" ? -1 : 1;
  const sorted = [...values].filter(([contender]) => among(contender)).sort(([, a], [, b]) => sign * (a - b));
  return sorted[0]?.[0];
}
