import { writeFileSync } from "node:fs";
import { contenders, loadContender } from "./contenders/index.ts";
import { interruption } from "./interruption.ts";
import { parseOptions, UsageError, usage } from "./options.ts";
import { makePlan } from "./plan.ts";
import { machineText, scenarioText } from "./report/text.ts";
import { describeContender, describeMachine } from "./run/machine.ts";
import { measure } from "./run/measure.ts";
import { openFilesLimit } from "./run/open-files.ts";
import { findPinning } from "./run/pinning.ts";
import type { Results, ScenarioResult } from "./run/results.ts";
import { scenarios } from "./scenarios/index.ts";

const contenderNames = Object.keys(contenders);
const options = readOptions();
const { parts, durations, leftOut } = makePlan(options, {
  scenarios,
  contenders: contenderNames,
  openFiles: openFilesLimit(),
});
const names = contenderNames.filter((name) => parts.some((part) => part.contenders.includes(name)));
const loaded = await Promise.all(names.map(loadContender));
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
  contenders: Object.fromEntries(loaded.map((one) => [one.name, describeContender(one)])),
  leftOut,
};

const signal = interruption();
const results: ScenarioResult[] = [];
console.log(`${machineText(about)}\n`);
try {
  for (const { scenario, contenders: chosen } of parts) {
    const taking = loaded.filter(({ name }) => chosen.includes(name));
    const result = await measure(scenario, { contenders: taking, durations, pinning, signal, progress });
    progress("");
    console.log(scenarioText(result));
    results.push(result);
  }
} catch (error) {
  progress("");
  if (!signal.aborted) throw error;
  process.exit(signal.reason as number);
}
if (leftOut.length > 0) console.log(`Left out:\n${leftOut.map((line) => `- ${line}`).join("\n")}`);
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ ...about, scenarios: results } satisfies Results, undefined, 1)}\n`);
}
const failed = results.some((scenario) => scenario.rows.some((row) => row.results.some(({ error }) => error)));
process.exit(failed ? 1 : 0);

function readOptions() {
  const choices = { contenders: contenderNames, scenarios: scenarios.map(({ name }) => name) };
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

/** One line that is overwritten, where somebody is looking. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
