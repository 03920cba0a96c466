import type { OutgoingCall } from "@farcall/core";
import type { Balancer, Candidate, Policy } from "./policy.ts";
import { areEqual, largestWeight } from "./weights.ts";

/**
 * Of two endpoints chosen at random, the one with fewer calls open: nearly as even as asking all of them, and no herd
 * runs to the one that looks emptiest (Mitzenmacher, "The Power of Two Choices", 2001).
 */
export function leastLoaded(): Policy {
  return { name: "least-loaded", create: (random) => new LeastLoaded(random) };
}

/** Tries to draw by weight before any will do. */
const maxDraws = 64;

class LeastLoaded implements Balancer {
  readonly #random: () => number;
  #candidates: readonly Candidate[] = [];
  #equal = true;
  #largest = 1;
  #turn = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  update(available: readonly Candidate[]): void {
    this.#candidates = available;
    this.#equal = areEqual(available);
    this.#largest = largestWeight(available);
  }

  pick(_: OutgoingCall, skip: ReadonlySet<Candidate> | undefined): Candidate | undefined {
    const candidates = skip === undefined ? this.#candidates : this.#candidates.filter((one) => !skip.has(one));
    const { length } = candidates;
    if (length < 2) return candidates[0];
    const i = this.#equal ? Math.floor(this.#random() * length) : this.#draw(candidates);
    // With weights both may be the same one: that is what a share that large means.
    let j = this.#equal ? Math.floor(this.#random() * (length - 1)) : this.#draw(candidates);
    if (this.#equal && j >= i) j++;
    const a = candidates[i] as Candidate;
    const b = candidates[j] as Candidate;
    const chosen = this.#isBetter(b, a) ? b : a;
    chosen.turn = ++this.#turn;
    return chosen;
  }

  #isBetter(b: Candidate, a: Candidate): boolean {
    // The draw has given them their shares; what is compared is how much of it they use.
    if (!this.#equal) return b.outstanding / b.weight < a.outstanding / a.weight;
    // Of equals the one that has waited longer: when calls are short, that is what makes it even.
    return b.outstanding < a.outstanding || (b.outstanding === a.outstanding && b.turn < a.turn);
  }

  /** The index of one, chosen as often as its share says. */
  #draw(candidates: readonly Candidate[]): number {
    let index = 0;
    for (let i = 0; i < maxDraws; i++) {
      index = Math.floor(this.#random() * candidates.length);
      if (this.#random() * this.#largest < (candidates[index] as Candidate).weight) break;
    }
    return index;
  }
}
