import { constants } from "node:os";

/** Aborts when the run is told to end, or nobody reads its output any more; the reason is the exit status for that. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const end = (name: NodeJS.Signals): void => controller.abort(128 + constants.signals[name]);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => end(name));
  process.stdout.on("error", () => end("SIGPIPE"));
  return controller.signal;
}
