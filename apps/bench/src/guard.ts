// node src/guard.ts: is anything dearer than it was? Prints what it measured; the exit status says whether all is well.
import { guardLimits } from "./guard/limits.ts";
import { interruption } from "./interruption.ts";
import { formatNumber } from "./report/format-number.ts";
import { textTable } from "./report/text-table.ts";

const signal = interruption();
const rows = [["", "measured", "when the limit was set", "limit", ""]];
let tooMuch = 0;
for (const { name, unit, measured, most, measure } of guardLimits) {
  const now = await measure(signal).catch((error: Error) => {
    if (!signal.aborted) console.log(`${name}: ${error.message}`);
    return NaN;
  });
  if (signal.aborted) process.exit(signal.reason as number);
  const isTooMuch = !(now <= most);
  if (isTooMuch) tooMuch++;
  rows.push([`${name}, ${unit}`, ...[now, measured, most].map(formatNumber), isTooMuch ? "TOO MUCH" : ""]);
}
console.log(textTable(rows));
if (tooMuch > 0) console.log("\nIf that is meant to be so: the limits are in apps/bench/src/guard/limits.ts.");
process.exit(tooMuch > 0 ? 1 : 0);
