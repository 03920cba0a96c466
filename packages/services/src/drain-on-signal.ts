import { constants } from "node:os";
import type { Server } from "@farcall/core";
import { checkFunctions } from "./check.ts";
import { checkDrainOptions, drain, type DrainOptions } from "./drain.ts";

export interface DrainOnSignalOptions extends Omit<DrainOptions, "signal"> {
  /** Default `["SIGTERM", "SIGINT"]`. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** Hears of each signal, for a line in the log. */
  readonly onSignal?: ((signal: NodeJS.Signals) => void) | undefined;
  /**
   * Closes what the server needed, for example its database; called after the last call has ended. What it throws is an
   * unhandled rejection, with which Node ends the process.
   */
  readonly afterClose?: (() => unknown) | undefined;
}

/**
 * Drains a server when the process is asked to stop (see `drain`). The process ends by itself when nothing is left to
 * do. A second signal ends at once what is still open; after the drain signals are the system's again.
 *
 * @returns a function that takes the listeners off; a drain that runs goes on.
 * @throws TypeError or RangeError that names the option when one is unusable.
 */
export function drainOnSignal(server: Pick<Server, "close">, options: DrainOnSignalOptions = {}): () => void {
  if (typeof server?.close !== "function") throw new TypeError("drainOnSignal needs a server");
  checkDrainOptions("drainOnSignal", options, ["signals", "onSignal", "afterClose"]);
  const { signals = ["SIGTERM", "SIGINT"], onSignal, afterClose, ...drainOptions } = options;
  checkFunctions({ onSignal, afterClose });
  checkSignals(signals);
  const hurry = new AbortController();
  let draining = false;

  const uninstall = (): void => {
    for (const one of signals) process.off(one, listener);
  };
  const listener = (signal: NodeJS.Signals): void => {
    if (draining) hurry.abort();
    else void run();
    onSignal?.(signal);
  };
  const run = async (): Promise<void> => {
    draining = true;
    try {
      await drain(server, { ...drainOptions, signal: hurry.signal });
      await afterClose?.();
    } finally {
      uninstall();
    }
  };

  try {
    for (const one of signals) process.on(one, listener);
  } catch (error) {
    uninstall();
    throw new TypeError(`\`signals\`: ${(error as Error).message}`, { cause: error });
  }
  return uninstall;
}

function checkSignals(signals: unknown): void {
  if (!Array.isArray(signals)) throw new TypeError("`signals` must be a list");
  if (signals.length === 0) throw new TypeError("`signals` is empty: nothing would ever drain the server");
  for (const one of signals as unknown[]) {
    // To the process any other name is an event that nobody emits.
    if (typeof one !== "string" || !Object.hasOwn(constants.signals, one)) {
      throw new TypeError(`\`signals\`: ${JSON.stringify(one)} is not the name of a signal`);
    }
  }
}
