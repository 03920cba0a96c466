import type { Contender } from "../contender.ts";
import { fitted } from "../durations.ts";
import type { Durations, Figures, Row, Scenario } from "../scenarios/scenario.ts";
import { EndFailed } from "./end-process.ts";
import { Pair, type Surroundings } from "./pair.ts";
import type { ContenderResult, RowResult, ScenarioResult } from "./results.ts";

export interface MeasureOptions extends Surroundings {
  readonly contenders: readonly Entrant[];
  readonly durations: Durations;
  /** Hears what is being done, for people. */
  readonly progress: (what: string) => void;
}

/** A contender, and where processes load it from. */
export interface Entrant {
  readonly source: string;
  readonly contender: Contender;
}

/** The round that does not count, by one that does. */
const settling = 0.4;

/** A contender on its way through a row. */
interface Runner extends Entrant {
  pair: Pair | undefined;
  readonly rounds: Figures[];
  /** Why it is out of the row; `absent` when it has no such call. */
  out: Error | "absent" | undefined;
}

/**
 * Measures every contender in every row of a scenario. Contenders take turns round by round, so that a slow moment of the
 * machine meets all of them; only one of them works at a time. A contender that fails is out of the row.
 *
 * @throws the reason of `signal` when it aborts
 */
export async function measure(scenario: Scenario, options: MeasureOptions): Promise<ScenarioResult> {
  const rows: RowResult[] = [];
  for (const group of groupsOf(scenario.rows)) rows.push(...(await measureGroup(scenario, group, options)));
  return { name: scenario.name, title: scenario.title, rows };
}

/** Rows that share their processes. */
function groupsOf(rows: readonly Row[]): Row[][] {
  const groups = new Map<unknown, Row[]>();
  for (const row of rows) {
    const key = row.fresh ? row : JSON.stringify(row.pair ?? {});
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()];
}

async function measureGroup(scenario: Scenario, rows: readonly Row[], options: MeasureOptions): Promise<RowResult[]> {
  const pairs = new Map<string, Pair>();
  try {
    const results: RowResult[] = [];
    for (const row of rows) {
      const runners = options.contenders.map((entrant): Runner => {
        return { ...entrant, pair: pairs.get(entrant.source), rounds: [], out: undefined };
      });
      await measureRow(row, runners, `${scenario.name}, ${row.title}`, options);
      for (const { source, pair } of runners) {
        if (pair === undefined) pairs.delete(source);
        else pairs.set(source, pair);
      }
      const { name, title, columns } = row;
      results.push({ name, title, columns, results: runners.map(resultOf) });
    }
    return results;
  } finally {
    await Promise.all(Array.from(pairs.values(), (pair) => pair.stop()));
  }
}

async function measureRow(row: Row, runners: readonly Runner[], label: string, options: MeasureOptions): Promise<void> {
  const { rounds } = options.durations;
  const prepare = async (runner: Runner): Promise<void> => {
    const { source, contender } = runner;
    const missing = (row.pair?.servers ?? 1) > 1 && contender.reusesPort !== true;
    if (!missing) runner.pair ??= await Pair.start(source, options, row.pair);
    if (runner.pair === undefined) runner.out = "absent";
    else await row.warmUp?.(runner.pair, options.durations);
  };
  if (!row.fresh) {
    for (const runner of runners) await step(runner, `${label}: warm-up`, options, prepare);
  }
  const durations = fitted(options.durations, runners.length);
  for (let round = 1; round <= rounds; round++) {
    // Whoever comes first in one round comes last in the next: nobody always follows the same one.
    for (const runner of round % 2 === 1 ? runners : runners.toReversed()) {
      await step(runner, `${label}: round ${round} of ${rounds}`, options, async () => {
        if (row.fresh) await prepare(runner);
        if (runner.pair === undefined) return;
        if (row.settles) await row.round(runner.pair, { ...durations, roundMs: durations.roundMs * settling });
        const figures = await row.round(runner.pair, durations);
        if (figures === undefined) runner.out = "absent";
        else runner.rounds.push(figures);
        if (row.fresh) await stop(runner);
      });
    }
  }
}

/** Does one step of a contender that is still in the row; when that fails, it is out. */
async function step(
  runner: Runner,
  what: string,
  { signal, progress }: MeasureOptions,
  work: (runner: Runner) => Promise<void>,
): Promise<void> {
  if (runner.out !== undefined) return;
  signal.throwIfAborted();
  progress(`${what}, ${runner.contender.name}`);
  try {
    await work(runner);
  } catch (error) {
    await stop(runner);
    signal.throwIfAborted();
    runner.out = error as Error;
  }
}

async function stop(runner: Runner): Promise<void> {
  await runner.pair?.stop();
  runner.pair = undefined;
}

function resultOf({ contender, rounds, out }: Runner): ContenderResult {
  if (out === undefined || out === "absent") return { contender: contender.name, rounds };
  const wrongReply = out instanceof EndFailed && out.wrongReply;
  return { contender: contender.name, rounds, error: wrongReply ? `wrong reply: ${out.message}` : out.message };
}
