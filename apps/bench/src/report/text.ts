import type { ContenderResult, Results, RowResult, ScenarioResult } from "../run/results.ts";
import { formatNumber, formatRatio } from "./format-number.ts";
import { median, spread } from "./statistics.ts";
import { textTable } from "./text-table.ts";

/** Whom everybody is compared with. */
const references = ["net", "grpc-js"];

/** The tables of a scenario, for a terminal. */
export function scenarioText(scenario: ScenarioResult): string {
  return scenario.rows
    .map((row) => `${scenario.name.toUpperCase()} ${scenario.title}, ${row.title}\n${rowText(row)}\n`)
    .join("\n");
}

/** What ran where. */
export function machineText({ machine, options }: Pick<Results, "machine" | "options">): string {
  const { cpu, cores, platform, node, pinned, loadAverage } = machine;
  const where = pinned
    ? `servers on core ${pinned.servers.join(", ")}, clients on core ${pinned.client}`
    : "processes are not pinned to cores";
  const busy = loadAverage > cores / 2 ? ` The machine was busy already: load average ${loadAverage.toFixed(1)}.` : "";
  return (
    `${cpu}, ${cores} cores, ${platform}, Node ${node}; ${where}.\n` +
    `${options.rounds} rounds of ${options.roundMs} ms after ${options.warmUpMs} ms of warm-up; medians, ± the farthest round.${busy}`
  );
}

function rowText({ columns, results }: RowResult): string {
  const [first] = columns;
  if (first === undefined) return "";
  const comparedWith = references.filter((name) => medianOf(results, name, first.key) !== undefined);
  const head = ["", ...columns.flatMap(({ title }) => [title, ""]), ...comparedWith.map((name) => `× ${name}`)];
  const measured = results.filter(({ rounds }) => rounds.length > 0);
  const lines = measured.map(({ contender, rounds }) => [
    contender,
    ...columns.flatMap(({ key, unit = 1 }) => {
      const values = rounds.map((figures) => (figures[key] ?? NaN) / unit);
      return [formatNumber(median(values)), `±${Math.round(spread(values) * 100)}%`];
    }),
    ...comparedWith.map((name) =>
      formatRatio(medianOf(results, contender, first.key)! / medianOf(results, name, first.key)!),
    ),
  ]);
  const errors = results
    .filter(({ error }) => error !== undefined)
    .map(({ contender, error }) => `${contender} FAILED: ${error}`);
  const without = results.filter(({ rounds, error }) => rounds.length === 0 && error === undefined);
  return [
    textTable([head, ...lines]),
    ...errors,
    ...(without.length > 0 ? [`no such call: ${without.map(({ contender }) => contender).join(", ")}`] : []),
  ].join("\n");
}

function medianOf(results: readonly ContenderResult[], contender: string, key: string): number | undefined {
  const rounds = results.find((one) => one.contender === contender)?.rounds ?? [];
  return rounds.length === 0 ? undefined : median(rounds.map((figures) => figures[key] ?? NaN));
}
