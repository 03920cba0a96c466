import { chooseDurations } from "./durations.ts";
import type { BenchOptions } from "./options.ts";
import type { Durations, Scenario } from "./scenarios/scenario.ts";

/** What a run measures. */
export interface Plan {
  /** Each with the names of its contenders. */
  readonly parts: readonly { readonly scenario: Scenario; readonly contenders: readonly string[] }[];
  readonly durations: Durations;
  /** What the options, or this machine, leave out; for people. */
  readonly leftOut: readonly string[];
}

export interface Given {
  readonly scenarios: readonly Scenario[];
  readonly contenders: readonly string[];
  /** How many sockets a process may have open. */
  readonly openFiles: number;
}

/** Files that a process has open beside its connections. */
const spareFiles = 300;

export function makePlan(options: BenchOptions, { scenarios, contenders, openFiles }: Given): Plan {
  const leftOut: string[] = [];
  const wanted = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? (!options.quick || name === "s2"));
  const parts = wanted.map((scenario) => ({
    scenario: { ...scenario, rows: scenario.rows.filter((row) => wants(scenario, row)) },
    contenders: options.only ?? contenders.filter((name) => scenario.contenders?.includes(name) ?? true),
  }));
  const others = scenarios.filter((scenario) => !wanted.includes(scenario));
  if (others.length > 0) leftOut.push(`the scenarios ${others.map(({ name }) => name).join(", ")}`);

  function wants(scenario: Scenario, { name, title, openFiles: files = 0 }: Scenario["rows"][number]): boolean {
    if (files + spareFiles > openFiles) {
      leftOut.push(`${scenario.name}, ${title}: it needs more open files than ulimit -n ${openFiles} allows`);
      return false;
    }
    if (!options.quick || options.scenarios !== undefined || name === "64") return true;
    leftOut.push(`${scenario.name}, ${title}`);
    return false;
  }

  const cells = parts.reduce((sum, part) => sum + part.scenario.rows.length * part.contenders.length, 0);
  const pairs = parts.reduce((sum, part) => sum + part.contenders.length, 0);
  return { parts, durations: chooseDurations(options, { cells, pairs }), leftOut };
}
