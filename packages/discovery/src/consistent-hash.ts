import type { ContextKey, OutgoingCall } from "@farcall/core";
import { HashRing } from "./hash-ring.ts";
import type { Balancer, Candidate, Policy } from "./policy.ts";

/** Where a call's key is. */
export type HashKey =
  /** In its metadata. */
  | { readonly metadata: string }
  /** In a context value. */
  | { readonly value: ContextKey<string | undefined> }
  /** What a function makes of it; undefined for none. */
  | { readonly key: (call: OutgoingCall) => string | undefined };

/**
 * Calls with the same key go to the same endpoint, as long as it can take them: for caches, or for state that is cheaper
 * where it is warm. Calls without a key go anywhere. Every client with the same list decides alike.
 * @throws TypeError when it is not told where the key is.
 */
export function consistentHash(options: HashKey): Policy {
  const keyOf = readKey(options);
  return { name: "consistent-hash", create: (random) => new ConsistentHash(keyOf, random) };
}

class ConsistentHash implements Balancer {
  readonly #keyOf: (call: OutgoingCall) => string | undefined;
  readonly #random: () => number;
  #available: readonly Candidate[] = [];
  #all: readonly Candidate[] = [];
  #ring = new HashRing([]);

  constructor(keyOf: (call: OutgoingCall) => string | undefined, random: () => number) {
    this.#keyOf = keyOf;
    this.#random = random;
  }

  update(available: readonly Candidate[], all: readonly Candidate[]): void {
    this.#available = available;
    // Those that are not available keep their points, so that it costs nothing when they come and go.
    if (all !== this.#all) this.#ring = new HashRing(all);
    this.#all = all;
  }

  pick(call: OutgoingCall, skip: ReadonlySet<Candidate> | undefined): Candidate | undefined {
    if (this.#available.length === 0) return undefined;
    const key = this.#keyOf(call);
    if (typeof key === "string") return this.#ring.find(key, skip);
    const among = skip === undefined ? this.#available : this.#available.filter((one) => !skip.has(one));
    return among[Math.floor(this.#random() * among.length)];
  }
}

function readKey(options: HashKey): (call: OutgoingCall) => string | undefined {
  if (typeof options === "object" && options !== null) {
    if ("metadata" in options && typeof options.metadata === "string" && options.metadata !== "") {
      const { metadata } = options;
      if (metadata.endsWith("-bin"))
        throw new TypeError("consistentHash: `metadata` must name a key with texts, not bytes");
      return (call) => call.metadata?.get(metadata) as string | undefined;
    }
    if ("value" in options && typeof options.value?.id === "symbol") {
      const { value } = options;
      return (call) => (call.values === undefined ? value.defaultValue : call.values.get(value));
    }
    if ("key" in options && typeof options.key === "function") return options.key;
  }
  throw new TypeError("consistentHash needs to know where the key is: { metadata }, { value } or { key }");
}
