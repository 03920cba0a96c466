import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { contenders } from "./contenders/index.ts";
import { chooseDurations } from "./durations.ts";
import { parseOptions, UsageError, usage } from "./options.ts";
import { machineText, scenarioText } from "./report/text.ts";
import { describeContender, describeMachine } from "./run/machine.ts";
import { measure } from "./run/measure.ts";
import { findPinning } from "./run/pinning.ts";
import type { Results, ScenarioResult } from "./run/results.ts";
import { scenarios } from "./scenarios/index.ts";

const choices = { contenders: Object.keys(contenders), scenarios: scenarios.map(({ name }) => name) };
const options = readOptions();
const names = options.only ?? choices.contenders;
const chosen = chooseScenarios();
const leftOut =
  chosen === scenarios
    ? []
    : [
        `scenarios: ${scenarios
          .filter((one) => !chosen.includes(one))
          .map(({ name }) => name)
          .join(", ")}`,
      ];
const rows = chosen.reduce((sum, scenario) => sum + scenario.rows.length, 0);
const durations = chooseDurations(options, { cells: rows * names.length, pairs: chosen.length * names.length });
const pinning = findPinning();
const about: Omit<Results, "scenarios"> = {
  version: 1,
  startedAt: new Date().toISOString(),
  options: {
    rounds: durations.rounds,
    roundMs: durations.roundMs,
    warmUpMs: durations.warmUp.ms,
    quick: options.quick,
  },
  machine: describeMachine(pinning),
  contenders: Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await describeContender(name)] as const)),
  ),
  leftOut,
};

const signal = interruption();
const results: ScenarioResult[] = [];
console.log(`${machineText(about)}\n`);
try {
  for (const scenario of chosen) {
    const result = await measure(scenario, { contenders: names, durations, pinning, signal, progress });
    progress(undefined);
    console.log(scenarioText(result));
    results.push(result);
  }
} catch (error) {
  progress(undefined);
  if (!signal.aborted) throw error;
  process.exit(signal.reason as number);
}
if (leftOut.length > 0) console.log(`Left out: ${leftOut.join("; ")}.`);
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ ...about, scenarios: results } satisfies Results, undefined, 1)}\n`);
}
const failed = results.some(({ rows }) => rows.some((row) => row.results.some(({ error }) => error !== undefined)));
process.exitCode = failed ? 1 : 0;

function readOptions() {
  try {
    const parsed = parseOptions(process.argv.slice(2), choices);
    if (parsed !== "help") return parsed;
    console.log(usage(choices));
    process.exit(0);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n--help shows what there is.`);
    process.exit(2);
  }
}

function chooseScenarios() {
  if (options.scenarios !== undefined) return scenarios.filter(({ name }) => options.scenarios!.includes(name));
  return options.quick ? scenarios.filter(({ name }) => name === "s2") : scenarios;
}

/** Aborts when the run is told to end; the reason is the exit status for that. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => controller.abort(128 + constants.signals[name]));
  }
  return controller.signal;
}

/** One line that is overwritten, where somebody is looking. */
function progress(what: string | undefined): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what ?? ""}`);
}
