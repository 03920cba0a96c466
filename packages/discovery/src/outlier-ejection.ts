import type { Clock } from "./clock.ts";
import type { OutlierRules } from "./outlier-options.ts";
import { findOutliers } from "./outlier-rates.ts";

/** What is known of an endpoint's calls. One for each, kept as long as the endpoint is listed. */
export class Outcomes {
  successes = 0;
  failures = 0;
  /** Failures since the last success. */
  inRow = 0;
  ejected = false;
  /** How often it was ejected, less one for each interval in which it was not. */
  times = 0;
  returnedAt = 0;
  timer: unknown = undefined;
}

/** An endpoint, as far as ejection is concerned. */
export interface Host {
  readonly outcomes: Outcomes;
  /** Can it get calls, apart from ejection? */
  readonly isReady: boolean;
}

export interface EjectionEvents<H> {
  /** All that are listed. */
  hosts(): readonly H[];
  ejected(host: H, reason: string): void;
  returned(host: H): void;
}

/**
 * Leaves out endpoints whose calls fail, for a while:
 *
 *     in use ── n failures in a row, or rates that stand out ──▶ ejected ── baseMs × times ──▶ in use
 *
 * Never more than the rules allow, and never the last one that is ready.
 */
export class OutlierEjection<H extends Host> {
  readonly #rules: OutlierRules;
  readonly #clock: Clock;
  readonly #events: EjectionEvents<H>;
  /** Fewer are never compared. */
  readonly #minHosts: number;
  #sweep: unknown = undefined;
  #closed = false;

  constructor(rules: OutlierRules, clock: Clock, events: EjectionEvents<H>) {
    this.#rules = rules;
    this.#clock = clock;
    this.#events = events;
    const { successRate, failurePercentage } = rules;
    this.#minHosts = Math.min(successRate?.minHosts ?? Infinity, failurePercentage?.minHosts ?? Infinity);
  }

  succeeded({ outcomes }: H): void {
    outcomes.successes++;
    outcomes.inRow = 0;
    if (this.#sweep === undefined) this.#arm();
  }

  failed(host: H): void {
    const { outcomes } = host;
    outcomes.failures++;
    outcomes.inRow++;
    if (this.#sweep === undefined) this.#arm();
    if (outcomes.inRow >= this.#rules.consecutive) this.#eject(host, `${outcomes.inRow} failures in a row`);
  }

  /** It is no longer listed. */
  forget({ outcomes }: H): void {
    this.#clock.clearTimeout(outcomes.timer);
  }

  close(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#sweep);
    for (const host of this.#events.hosts()) this.forget(host);
  }

  /** The timer runs only while there are calls, and enough endpoints to compare. */
  #arm(): void {
    if (this.#closed || this.#events.hosts().length < this.#minHosts) return;
    this.#sweep = this.#clock.setTimeout(() => {
      this.#sweep = undefined;
      this.#compare();
    }, this.#rules.intervalMs);
  }

  #compare(): void {
    const hosts = this.#events.hosts();
    const tallies = hosts.map((host) => {
      const { successes, failures } = host.outcomes;
      host.outcomes.successes = 0;
      host.outcomes.failures = 0;
      return { host, successes, failures };
    });
    for (const { host, reason } of findOutliers(tallies, this.#rules)) this.#eject(host.host, reason);
  }

  #eject(host: H, reason: string): void {
    const { outcomes } = host;
    if (this.#closed || outcomes.ejected || !this.#mayEject(host)) return;
    const { baseMs, maxMs, intervalMs } = this.#rules;
    const forgiven = Math.floor((this.#clock.now() - outcomes.returnedAt) / intervalMs);
    outcomes.times = Math.max(0, outcomes.times - forgiven) + 1;
    outcomes.ejected = true;
    outcomes.inRow = 0;
    const ms = Math.min(baseMs * outcomes.times, maxMs);
    outcomes.timer = this.#clock.setTimeout(() => this.#return(host), ms);
    this.#events.ejected(host, `${reason}; left out for ${Math.round(ms / 100) / 10} s`);
  }

  #mayEject(host: H): boolean {
    const hosts = this.#events.hosts();
    const ejected = hosts.filter((one) => one.outcomes.ejected).length;
    const allowed = Math.max(1, Math.floor((hosts.length * this.#rules.maxEjectedPercent) / 100));
    if (this.#rules.maxEjectedPercent === 0 || ejected >= allowed) return false;
    return hosts.some((one) => one !== host && one.isReady && !one.outcomes.ejected);
  }

  #return(host: H): void {
    const { outcomes } = host;
    outcomes.ejected = false;
    outcomes.inRow = 0;
    outcomes.returnedAt = this.#clock.now();
    this.#events.returned(host);
  }
}
