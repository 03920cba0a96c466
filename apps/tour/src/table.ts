import { readFileSync } from "node:fs";

/**
 * Rows of a CSV file of the package vega-datasets, by column. Its files that are read here quote nothing, so a comma is
 * always a separator; a quote is an error, not a wrong row.
 */
export function readTable<C extends string>(file: string, columns: readonly C[]): Record<C, string>[] {
  const text = readFileSync(new URL(`../data/${file}`, import.meta.resolve("vega-datasets")), "utf8");
  if (text.includes('"')) throw new Error(`${file} quotes values, which this reader doesn't know`);
  const [header = "", ...rows] = text.trimEnd().split(/\r?\n/);
  const places = columns.map((column) => header.split(",").indexOf(column));
  if (places.includes(-1)) throw new Error(`${file} has the columns ${header}, not ${columns.join(",")}`);
  return rows.map((row) => {
    const cells = row.split(",");
    return Object.fromEntries(columns.map((column, i) => [column, cells[places[i] as number]])) as Record<C, string>;
  });
}
