import { checkKnown, checkPositive } from "./options.ts";

export interface SlowStartOptions {
  /** Time until an endpoint that comes back has its full share, ms. Default 10,000. */
  readonly windowMs?: number | undefined;
  /** The part of its share that it has at first, above 0 to 1. Default 0.1. */
  readonly minShare?: number | undefined;
}

/** How an endpoint that comes back warms up. */
export interface SlowStart {
  readonly windowMs: number;
  /** The part of its share that it has so long after it came back: grows evenly to 1, never falls. */
  share(elapsedMs: number): number;
}

/** @throws RangeError or TypeError that names the option. */
export function slowStart(options: SlowStartOptions | false = {}): SlowStart | undefined {
  if (options === false) return undefined;
  checkKnown("slowStart", options, ["windowMs", "minShare"]);
  const { windowMs = 10_000, minShare = 0.1 } = options;
  checkPositive({ "slowStart.windowMs": windowMs, "slowStart.minShare": minShare });
  if (minShare > 1) throw new RangeError(`slowStart.minShare must be at most 1, got ${minShare}`);
  return { windowMs, share: (elapsedMs) => Math.min(1, Math.max(minShare, elapsedMs / windowMs)) };
}
