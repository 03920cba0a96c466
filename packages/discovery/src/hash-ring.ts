import { hash32 } from "./hash.ts";
import type { Candidate } from "./policy.ts";

/** Points on the ring of an endpoint of average weight. More are more even, and take longer to sort. */
const pointsPerEndpoint = 160;
const maxPointsPerEndpoint = 10 * pointsPerEndpoint;

/**
 * A ring of points, some for each endpoint; a key belongs to the first point at or behind its own hash. When an endpoint
 * comes or goes, only the keys of its points move (Karger et al., 1997).
 */
export class HashRing {
  readonly #hashes: Uint32Array;
  readonly #owners: readonly Candidate[];
  readonly #endpoints: number;

  constructor(candidates: readonly Candidate[]) {
    const total = candidates.reduce((sum, one) => sum + weightOf(one), 0);
    const points = candidates.flatMap((owner) => {
      const share = (weightOf(owner) / total) * candidates.length;
      const count = Math.max(1, Math.min(maxPointsPerEndpoint, Math.round(share * pointsPerEndpoint)));
      return Array.from({ length: count }, (_, i) => ({ hash: hash32(owner.endpoint.address, i), owner }));
    });
    // Equal hashes are rare; then the address decides, so that every client decides alike.
    points.sort((a, b) => a.hash - b.hash || (a.owner.endpoint.address < b.owner.endpoint.address ? -1 : 1));
    this.#hashes = Uint32Array.from(points, (point) => point.hash);
    this.#owners = points.map((point) => point.owner);
    this.#endpoints = candidates.length;
  }

  /** The owner of a key; if it is not available, or skipped, the next one around the ring. */
  find(key: string, skip: ReadonlySet<Candidate> | undefined): Candidate | undefined {
    const { length } = this.#hashes;
    if (length === 0) return undefined;
    let at = this.#firstAt(hash32(key));
    let refused: Set<Candidate> | undefined;
    for (let i = 0; i < length; i++, at++) {
      const owner = this.#owners[at % length] as Candidate;
      if (owner.available && skip?.has(owner) !== true) return owner;
      // Once around would be long when nobody can.
      if ((refused ??= new Set()).add(owner).size === this.#endpoints) return undefined;
    }
    return undefined;
  }

  #firstAt(hash: number): number {
    let low = 0;
    let high = this.#hashes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#hashes[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function weightOf(candidate: Candidate): number {
  return candidate.endpoint.weight ?? 1;
}
