import type { Candidate } from "./policy.ts";

/** Do all have the same share now? Then a policy need not look at weights. */
export function areEqual(candidates: readonly Candidate[]): boolean {
  const first = candidates[0]?.weight;
  return candidates.every((one) => one.weight === first);
}

/** The largest share that one of them will have once none starts slowly. */
export function largestWeight(candidates: readonly Candidate[]): number {
  return candidates.reduce((largest, one) => Math.max(largest, one.endpoint.weight ?? 1), 0);
}
