import type { BenchOptions } from "./options.ts";
import type { Durations } from "./scenarios/scenario.ts";

const full: Durations = { rounds: 5, roundMs: 1_000, warmUp: { ms: 2_000, calls: 5_000, maxMs: 10_000 } };

/** Of the 60 s that `--quick` may last, those that are spent on measuring and on starting processes. */
const quickMs = 42_000;
const startMs = 450;

/** How long to measure: `cells` is how many contenders times how many rows there are, `pairs` how many process pairs. */
export function chooseDurations(
  { quick, rounds, roundMs }: Pick<BenchOptions, "quick" | "rounds" | "roundMs">,
  { cells, pairs }: { cells: number; pairs: number },
): Durations {
  const chosen = quick ? shortened(cells, pairs) : full;
  const asked = { ...chosen, rounds: rounds ?? chosen.rounds };
  return roundMs === undefined ? asked : { ...asked, roundMs, warmUp: { ...chosen.warmUp, ms: 2 * roundMs } };
}

/** A third of a cell's time warms it up, the rest is rounds. */
function shortened(cells: number, pairs: number): Durations {
  const rounds = 3;
  const cellMs = Math.max(120, (quickMs - pairs * startMs) / cells);
  // Each round has a shorter one before it that does not count.
  const roundMs = Math.min(500, Math.floor((cellMs * 2) / 3 / rounds / 1.4));
  const warmUpMs = Math.min(1_000, Math.floor(cellMs / 3));
  return {
    rounds,
    roundMs,
    warmUp: { ms: warmUpMs, calls: 0, maxMs: quickMs },
    endBy: performance.now() + quickMs,
  };
}

const shortestMs = 50;

/** The same with shorter rounds, when `cells` of them would take longer than there is time. A busy machine starts slowly. */
export function fitted(durations: Durations, cells: number): Durations {
  const { rounds, roundMs, endBy = Infinity } = durations;
  const left = (endBy - performance.now()) / (rounds * cells) / 1.4;
  return { ...durations, roundMs: Math.min(roundMs, Math.max(shortestMs, Math.floor(left))) };
}
