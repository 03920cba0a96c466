import type { Durations, Figures, Row, Scenario } from "../scenarios/scenario.ts";
import { Pair, type Surroundings } from "./pair.ts";
import type { ContenderResult, RowResult, ScenarioResult } from "./results.ts";

export interface MeasureOptions extends Surroundings {
  readonly contenders: readonly string[];
  readonly durations: Durations;
  /** Hears what is being done, for people. */
  readonly progress: (what: string) => void;
}

/** A contender on its way through a row. */
interface Runner {
  readonly contender: string;
  pair: Pair | undefined;
  rounds: Figures[];
  error: string | undefined;
}

/**
 * Measures every contender in every row of a scenario. Contenders take turns round by round, so that a slow moment of the
 * machine meets all of them; only one of them works at a time. A contender that fails is out of the row.
 */
export async function measure(scenario: Scenario, options: MeasureOptions): Promise<ScenarioResult> {
  const rows: RowResult[] = [];
  for (const group of rowsByPair(scenario.rows)) rows.push(...(await measureGroup(scenario, group, options)));
  return { name: scenario.name, title: scenario.title, rows };
}

async function measureGroup(scenario: Scenario, rows: readonly Row[], options: MeasureOptions): Promise<RowResult[]> {
  const pairs = new Map<string, Pair>();
  const results: RowResult[] = [];
  try {
    for (const row of rows) {
      const label = `${scenario.name} ${row.title}`;
      const runners: Runner[] = options.contenders.map((contender) => ({
        contender,
        pair: pairs.get(contender),
        rounds: [],
        error: undefined,
      }));
      for (const runner of runners) {
        await attempt(runner, options, `${label}: warm-up`, async () => {
          runner.pair ??= await Pair.start(runner.contender, options, row.pair);
          pairs.set(runner.contender, runner.pair);
          await row.warmUp?.(runner.pair, options.durations);
        });
      }
      for (let round = 1; round <= options.durations.rounds; round++) {
        for (const runner of runners) {
          await attempt(runner, options, `${label}: round ${round} of ${options.durations.rounds}`, async () => {
            const figures = await row.round(runner.pair as Pair, options.durations);
            if (figures !== undefined) runner.rounds.push(figures);
          });
        }
      }
      for (const { contender, error } of runners) if (error !== undefined) pairs.delete(contender);
      const { name, title, columns } = row;
      results.push({ name, title, columns, results: runners.map(resultOf) });
    }
    return results;
  } finally {
    await Promise.all(Array.from(pairs.values(), (pair) => pair.stop()));
  }
}

async function attempt(
  runner: Runner,
  options: MeasureOptions,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  if (runner.error !== undefined) return;
  options.signal.throwIfAborted();
  options.progress(`${what}, ${runner.contender}`);
  try {
    await work();
  } catch (error) {
    options.signal.throwIfAborted();
    runner.error = (error as Error).message;
    await runner.pair?.stop();
  }
}

function resultOf({ contender, rounds, error }: Runner): ContenderResult {
  return { contender, rounds, ...(error !== undefined && { error }) };
}

function rowsByPair(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(row.pair ?? {});
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}
