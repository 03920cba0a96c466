import type { Target } from "./target.ts";

/** As many endpoints as an error names. */
const maxNamed = 5;

/** Why no endpoint can have a call now, in one line. */
export function whyNone(address: string, targets: readonly Target[], resolverError: Error | undefined): string {
  const resolver = resolverError === undefined ? undefined : `the resolver failed: ${resolverError.message}`;
  if (targets.length === 0) return `${address} has no endpoints yet${resolver === undefined ? "" : `; ${resolver}`}`;
  const named = targets.slice(0, maxNamed).map((target) => {
    const { reason } = target;
    return `${target.address} is ${target.state}${reason === undefined ? "" : ` (${reason})`}`;
  });
  const more = targets.length > maxNamed ? [`${targets.length - maxNamed} more`] : [];
  const parts = [`no endpoint of ${address} is ready: ${[...named, ...more].join(", ")}`];
  return [...parts, ...(resolver === undefined ? [] : [resolver])].join("; ");
}
