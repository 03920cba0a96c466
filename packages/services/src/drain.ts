import type { Server } from "@farcall/core";
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
 * @throws RangeError that names the option when one is unusable.
 */
export async function drain(server: Pick<Server, "close">, options: DrainOptions = {}): Promise<void> {
  checkDrainOptions(options);
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

export function checkDrainOptions({ noticeMs = 0, graceMs = 0 }: DrainOptions): void {
  if (!(noticeMs >= 0 && noticeMs <= 0x7fffffff)) throw new RangeError(`noticeMs must be 0 or more, got ${noticeMs}`);
  if (!(graceMs >= 0)) throw new RangeError(`graceMs must be 0 or more, got ${graceMs}`);
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
