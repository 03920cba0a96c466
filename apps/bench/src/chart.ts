// node src/chart.ts results.json [--svg FILE] [--markdown]: what the README shows, from what `--json` wrote.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { markdown } from "./chart/markdown.ts";
import { panelsOf } from "./chart/panels.ts";
import { svg } from "./chart/svg.ts";
import type { Results } from "./run/results.ts";

const usage = "node src/chart.ts <results.json> [--svg <file>] [--markdown]";

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { svg: { type: "string" }, markdown: { type: "boolean" } },
  });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new TypeError("one file of results is needed");
  const results = readResults(file);
  if (values.svg !== undefined) writeFileSync(values.svg, svg(panelsOf(results), captionOf(results)));
  if (values.markdown === true) process.stdout.write(markdown(results));
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`);
  process.exit(2);
}

function readResults(file: string): Results {
  const results = JSON.parse(readFileSync(file, "utf8")) as Partial<Results>;
  if (results.version !== 1 || results.scenarios === undefined) {
    throw new TypeError(`${file} is not what the benchmark's --json writes`);
  }
  return results as Results;
}

function captionOf({ machine, options, startedAt }: Results): string {
  const pinned = machine.pinned ? ", each end pinned to one" : "";
  return `Medians of ${options.rounds} rounds, ${startedAt.slice(0, 10)}. ${machine.cpu}, ${machine.cores} cores${pinned}, Node ${machine.node.slice(1)}. More is better.`;
}
