import type { OutlierRules } from "./outlier-options.ts";

/** What became of an endpoint's calls in an interval. */
export interface Tally {
  readonly successes: number;
  readonly failures: number;
}

/** An endpoint that stands out, and why. */
export interface Outlier<H> {
  readonly host: H;
  readonly reason: string;
}

/** The endpoints whose rates stand out, as gRFC A50 says. */
export function findOutliers<H extends Tally>(hosts: readonly H[], rules: OutlierRules): Outlier<H>[] {
  return [...bySuccessRate(hosts, rules.successRate), ...byFailurePercentage(hosts, rules.failurePercentage)];
}

function bySuccessRate<H extends Tally>(hosts: readonly H[], rule: OutlierRules["successRate"]): Outlier<H>[] {
  if (rule === undefined) return [];
  const counted = hosts.filter((host) => calls(host) >= rule.minCalls);
  if (counted.length < rule.minHosts) return [];
  const rates = counted.map((host) => host.successes / calls(host));
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  const threshold = mean - rule.stdevFactor * Math.sqrt(variance);
  return counted.flatMap((host, i) => {
    const rate = rates[i] as number;
    // What rounding makes of equal rates is no difference.
    if (rate >= threshold - 1e-9) return [];
    return [{ host, reason: `${percent(rate)} of its calls succeed, ${percent(mean)} on average` }];
  });
}

function byFailurePercentage<H extends Tally>(
  hosts: readonly H[],
  rule: OutlierRules["failurePercentage"],
): Outlier<H>[] {
  if (rule === undefined) return [];
  const counted = hosts.filter((host) => calls(host) >= rule.minCalls);
  if (counted.length < rule.minHosts) return [];
  return counted.flatMap((host) => {
    const rate = host.failures / calls(host);
    return rate * 100 > rule.threshold ? [{ host, reason: `${percent(rate)} of its calls fail` }] : [];
  });
}

function calls(host: Tally): number {
  return host.successes + host.failures;
}

function percent(rate: number): string {
  return `${Math.round(rate * 1_000) / 10} %`;
}
