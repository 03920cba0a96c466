import type { Server } from "@farcall/core";
import { checkFunctions, checkKnown } from "./check.ts";
import type { ServerHealth } from "./health.ts";

export interface DrainOptions {
  /** Says NOT_SERVING first, and its watches end. */
  readonly health?: Pick<ServerHealth, "shutdown"> | undefined;
  /** Time that balancers have to notice before calls are refused, ms. Default 0. */
  readonly noticeMs?: number | undefined;
  /** Time that open calls have to end by themselves, ms. Default 10,000. */
  readonly graceMs?: number | undefined;
  /** Aborting it ends at once what is still open. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a server out of service: not serving, a moment for balancers to notice, then refuse what is new, finish what
 * runs, and close. Always settles, at the latest after `noticeMs + graceMs`.
 * @throws TypeError or RangeError that names the option when one is unusable; the server stays as it is.
 */
export async function drain(server: Pick<Server, "close">, options: DrainOptions = {}): Promise<void> {
  if (typeof server?.close !== "function") throw new TypeError("drain needs a server");
  checkDrainOptions("drain", options);
  const { health, noticeMs = 0, graceMs = 10_000, signal } = options;
  health?.shutdown();
  if (noticeMs > 0) await pause(noticeMs, signal);
  const cut = (): void => void server.close({ graceMs: 0 });
  signal?.addEventListener("abort", cut);
  try {
    await server.close({ graceMs: signal?.aborted === true ? 0 : graceMs });
  } finally {
    signal?.removeEventListener("abort", cut);
  }
}

/** The longest time that a timer can wait, ms. */
const maxTimerMs = 0x7fffffff;

/** @throws TypeError or RangeError that names the option. */
export function checkDrainOptions(where: string, options: DrainOptions, more: readonly string[] = []): void {
  checkKnown(where, options, ["health", "noticeMs", "graceMs", "signal", ...more]);
  const { health, noticeMs = 0, graceMs = 0, signal } = options;
  checkFunctions({ "health.shutdown": health === undefined ? undefined : (health?.shutdown ?? null) });
  checkTime("noticeMs", noticeMs, maxTimerMs);
  checkTime("graceMs", graceMs, Infinity);
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new TypeError("`signal` must be an AbortSignal");
  }
}

function checkTime(name: string, ms: number, max: number): void {
  if (typeof ms === "number" && ms >= 0 && ms <= max) return;
  throw new RangeError(`${name} must be 0 or more${max === Infinity ? "" : ` and at most ${max}`}, got ${String(ms)}`);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted === true) done();
  });
}
