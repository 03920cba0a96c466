import type { OutgoingCall } from "@farcall/core";
import type { Balancer, Candidate, Policy } from "./policy.ts";
import { areEqual, largestWeight } from "./weights.ts";

/** Each endpoint in turn; with weights, each as often as its share says. */
export function roundRobin(): Policy {
  return { name: "round-robin", create: (random) => new RoundRobin(random) };
}

class RoundRobin implements Balancer {
  #candidates: readonly Candidate[] = [];
  #equal = true;
  #largest = 1;
  /** What each has saved up; whole ones buy calls. */
  #credit: number[] = [];
  #next: number;

  constructor(random: () => number) {
    // Clients that start together should not all begin with the same endpoint.
    this.#next = Math.floor(random() * 1_000_000);
  }

  update(available: readonly Candidate[]): void {
    this.#candidates = available;
    this.#equal = areEqual(available);
    this.#largest = largestWeight(available);
    this.#credit = available.map(() => 0);
  }

  pick(_: OutgoingCall, skip: ReadonlySet<Candidate> | undefined): Candidate | undefined {
    const { length } = this.#candidates;
    if (length === 0) return undefined;
    if (skip !== undefined) return this.#pickNot(skip);
    if (this.#equal) return this.#step();
    // Once around, the heaviest of them has gained enough, unless all of them start slowly: then it takes a few rounds.
    for (let i = 0; i < length * 100; i++) {
      const one = this.#step();
      const index = this.#next;
      const credit = (this.#credit[index] as number) + one.weight / this.#largest;
      this.#credit[index] = credit >= 1 ? credit - 1 : credit;
      if (credit >= 1) return one;
    }
    return this.#step();
  }

  #pickNot(skip: ReadonlySet<Candidate>): Candidate | undefined {
    for (let i = 0; i < this.#candidates.length; i++) {
      const one = this.#step();
      if (!skip.has(one)) return one;
    }
    return undefined;
  }

  #step(): Candidate {
    this.#next = (this.#next + 1) % this.#candidates.length;
    return this.#candidates[this.#next] as Candidate;
  }
}
