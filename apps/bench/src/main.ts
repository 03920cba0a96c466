import { writeFileSync } from "node:fs";
import { contenderNames, loadContender } from "./contenders/index.ts";
import { interruption } from "./interruption.ts";
import { parseOptions, UsageError, usage } from "./options.ts";
import { makePlan } from "./plan.ts";
import { machineText, scenarioText } from "./report/text.ts";
import { describeContender, describeMachine } from "./run/machine.ts";
import { type Entrant, measure } from "./run/measure.ts";
import { openFilesLimit } from "./run/open-files.ts";
import { findPinning } from "./run/pinning.ts";
import type { Results, ScenarioResult } from "./run/results.ts";
import { scenarios } from "./scenarios/index.ts";

const options = readOptions();
const { parts, durations, leftOut } = makePlan(options, {
  scenarios,
  contenders: contenderNames,
  openFiles: openFilesLimit(),
});
const sources = new Set(parts.flatMap((part) => part.contenders));
const entrants: Entrant[] = [];
for (const source of sources) entrants.push({ source, contender: await loadContender(source) });
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
  contenders: Object.fromEntries(entrants.map(({ contender }) => [contender.name, describeContender(contender)])),
  leftOut,
};

const signal = interruption();
const results: ScenarioResult[] = [];
console.log(`${machineText(about)}\n`);
try {
  for (const { scenario, contenders: chosen } of parts) {
    const taking = entrants.filter(({ source }) => chosen.includes(source));
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
