import type { Clock } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import type { EndpointState } from "./events.ts";
import type { Balancer } from "./policy.ts";
import type { SlowStart } from "./slow-start.ts";
import { Target, type TargetSetup } from "./target.ts";

export interface TargetsEvents {
  /** An endpoint's state is another one. */
  state(target: Target, state: EndpointState, reason: string | undefined): void;
  /** Those that may get calls, or what calls wait for, may have changed. */
  settled(): void;
  /** It is no longer listed. */
  removed(target: Target): void;
}

export interface TargetsOptions {
  readonly connect: "all" | "one";
  readonly drainMs: number;
  readonly slowStart: SlowStart | undefined;
  readonly clock: Clock;
}

/** The listed endpoints, those of them that may get calls, and those that are on their way out. */
export class Targets {
  /** In the order of the list. Another array with each list. */
  all: readonly Target[] = [];
  readonly #setup: Omit<TargetSetup, "changed">;
  readonly #balancer: Balancer;
  readonly #options: TargetsOptions;
  readonly #events: TargetsEvents;
  #available: readonly Target[] = [];
  /** What was last told of each. */
  #told = new WeakMap<Target, string>();
  #leaving = new Set<Target>();
  #warming: Target[] = [];
  /** Many changes at once are settled once. */
  #busy = false;

  constructor(setup: Omit<TargetSetup, "changed">, balancer: Balancer, options: TargetsOptions, events: TargetsEvents) {
    this.#setup = setup;
    this.#balancer = balancer;
    this.#options = options;
    this.#events = events;
  }

  /** Are some of them starting slowly, so that `warm` should be called before a choice? */
  get isWarming(): boolean {
    return this.#warming.length > 0;
  }

  /**
   * There is a new list: connects to what is new, lets what is gone finish its calls. Returns those that can't be
   * connected to, for example because their address is none; they are left out.
   * @throws what `connect` threw, when that is all of them
   */
  update(endpoints: readonly Endpoint[]): { readonly endpoint: Endpoint; readonly error: unknown }[] {
    const before = new Map(this.all.map((target) => [target.address, target]));
    const failures: { endpoint: Endpoint; error: unknown }[] = [];
    const next = endpoints.flatMap((endpoint) => {
      const target = before.get(endpoint.address);
      if (target !== undefined) return [target];
      try {
        const one = new Target(endpoint, { ...this.#setup, changed: (changed) => this.#changed(changed) });
        one.joinsOthers = this.all.length > 0;
        return [one];
      } catch (error) {
        failures.push({ endpoint, error });
        return [];
      }
    });
    if (next.length === 0) throw failures[0]?.error;
    this.#together(() => {
      this.all = next;
      for (const endpoint of endpoints) {
        const target = before.get(endpoint.address);
        if (target !== undefined) target.endpoint = endpoint;
        before.delete(endpoint.address);
      }
      for (const target of before.values()) this.#remove(target);
      if (this.#options.connect === "all") for (const target of next) target.start();
    });
    return failures;
  }

  /** Something outside has changed what may get calls. */
  changed(target: Target): void {
    this.#changed(target);
  }

  /** Gives those that start slowly what they have earned. */
  warm(): void {
    const { slowStart, clock } = this.#options;
    const now = clock.now();
    const before = this.#warming.length;
    this.#warming = this.#warming.filter((target) => {
      const share = slowStart?.share(now - (target.warmingSince ?? -Infinity)) ?? 1;
      target.weight = (target.endpoint.weight ?? 1) * share;
      if (share === 1) target.warmingSince = undefined;
      return share < 1;
    });
    if (this.#warming.length < before) this.#balancer.update(this.#available, this.all);
  }

  async close(graceMs: number): Promise<void> {
    this.#busy = true;
    const all = [...this.all, ...this.#leaving];
    this.#balancer.update([], []);
    await Promise.all(all.map((target) => target.close(graceMs)));
  }

  #together(change: () => void): void {
    this.#busy = true;
    change();
    this.#busy = false;
    this.#settle();
  }

  #changed(target: Target): void {
    if (!this.all.includes(target)) return;
    this.#tell(target);
    if (!this.#busy) this.#settle();
  }

  #tell(target: Target): void {
    const { state, reason } = target;
    const news = `${state} ${reason ?? ""}`;
    if (this.#told.get(target) === news) return;
    this.#told.set(target, news);
    this.#events.state(target, state, reason);
  }

  #remove(target: Target): void {
    this.#leaving.add(target);
    this.#events.removed(target);
    this.#events.state(target, "removed", undefined);
    void target.close(this.#options.drainMs).finally(() => this.#leaving.delete(target));
  }

  #settle(): void {
    if (this.#options.connect === "one") this.#connectOne();
    const ready = this.all.filter((target) => target.isReady);
    const kept = ready.filter((target) => !target.outcomes.ejected);
    // Ejected ones are better than none.
    const usable = kept.length > 0 ? kept : ready;
    const priority = Math.min(...usable.map((target) => target.endpoint.priority ?? 0));
    const available = usable.filter((target) => (target.endpoint.priority ?? 0) === priority);
    this.#warmUp(available);
    for (const target of this.#available) target.available = false;
    for (const target of available) target.available = true;
    this.#available = available;
    this.#balancer.update(available, this.all);
    this.#events.settled();
  }

  /** Those that come back, or join others later, start slowly; those that start together need not. */
  #warmUp(available: readonly Target[]): void {
    const { slowStart, clock } = this.#options;
    const others = available.some((target) => target.available);
    for (const target of available) {
      if (target.available) continue;
      const isSlow = others && target.joinsOthers && slowStart !== undefined;
      target.joinsOthers = true;
      target.warmingSince = isSlow ? clock.now() : undefined;
      target.weight = (target.endpoint.weight ?? 1) * (isSlow ? slowStart.share(0) : 1);
    }
    for (const target of available) {
      if (target.warmingSince === undefined) target.weight = target.endpoint.weight ?? 1;
    }
    this.#warming = available.filter((target) => target.warmingSince !== undefined);
  }

  /** With a policy that wants one: the first that answers; while there is none, the next that was not tried. */
  #connectOne(): void {
    this.#busy = true;
    const ready = this.all.find((target) => target.isReady);
    if (ready !== undefined) {
      for (const target of this.all) if (target !== ready) target.rest();
    } else {
      while (!this.all.some((target) => target.isReady || target.state === "connecting")) {
        const next = this.all.find((target) => target.state === "idle");
        if (next === undefined) break;
        next.start();
      }
    }
    this.#busy = false;
  }
}
