import type { Work } from "../ends/work.ts";
import { Pair } from "../run/pair.ts";
import { findPinning } from "../run/pinning.ts";

const warmUp = { ms: 500, calls: 20_000, maxMs: 5_000 };
const rounds = 8;
const roundMs = 250;

/**
 * CPU time for a call of one contender, both ends, by that of another. They take turns, and the best round of each counts:
 * the one in which the machine did least else.
 */
export async function cpuRatio(contender: string, reference: string, work: Work, signal: AbortSignal): Promise<number> {
  const around = { pinning: findPinning(), signal };
  const pairs: Pair[] = [];
  try {
    for (const name of [contender, reference]) {
      const pair = await Pair.start(name, around);
      if (pair === undefined) throw new Error(`${name} has no such call`);
      pairs.push(pair);
      await pair.load(work, warmUp);
    }
    const best = [Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      for (const [i, pair] of pairs.entries()) {
        const load = await pair.load(work, { ms: roundMs });
        if (load === undefined) throw new Error(`${pair.source} has no such call`);
        best[i] = Math.min(best[i] as number, (load.cpuUs + load.serverCpuUs) / load.calls);
      }
    }
    return (best[0] as number) / (best[1] as number);
  } finally {
    await Promise.all(pairs.map((pair) => pair.stop()));
  }
}
