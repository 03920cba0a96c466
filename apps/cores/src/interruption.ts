import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Aborts when the process is told to end, or nobody reads its output any more; the reason is the exit status for that.
 * It may be told more than once: only the first time counts.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const end = (name: NodeJS.Signals): void => controller.abort(128 + constants.signals[name]);
  for (const name of signals) process.on(name, () => end(name));
  process.stdout.on("error", () => end("SIGPIPE"));
  return controller.signal;
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
