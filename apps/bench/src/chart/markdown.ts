import { formatNumber } from "../report/format-number.ts";
import { best, isFarcall, isLimit, type Standing, standing } from "../report/standing.ts";
import type { Results } from "../run/results.ts";

/** The columns of the README's table; those that a run did not measure are left out. */
const columns: readonly (readonly [title: string, scenario: string, row: string, key?: string])[] = [
  ["small calls/s, 64 in flight", "s2", "64"],
  ["CPU µs", "s2", "64", "cpuUs"],
  ["512 in flight", "s2", "512"],
  ["1 KiB orders/s", "s3", "64"],
  ["CPU µs", "s3", "64", "cpuUs"],
  ["stream, `for await`, messages/s", "s4", "iterate"],
  ["stream, callbacks", "s4", "push"],
  ["1 MiB, MB/s", "s7", "1-mib"],
  ["KB per open call", "s8", "held"],
  ["KB per connection", "s8", "idle"],
  ["start, ms", "s11", "bundled"],
  ["one call at a time, µs", "s1", "1"],
];

/** The run as a Markdown table, and who is ahead of Farcall where. */
export function markdown(results: Results): string {
  const measured = columns.flatMap(([title, ...where]) => {
    const found = standing(results, ...where);
    return found === undefined ? [] : [{ title, found, winner: best(found, (one) => !isLimit(results, one)) }];
  });
  const cell = (contender: string, { found, winner }: (typeof measured)[number]): string => {
    const text = formatNumber(found.values.get(contender) ?? NaN);
    return contender === winner ? `**${text}**` : text;
  };
  const lines = Object.keys(results.contenders).map((contender) => {
    return [nameOf(results, contender), ...measured.map((column) => cell(contender, column))];
  });
  const head = ["", ...measured.map(({ title }) => title)];
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  const table = [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  return `${table}\n\n${about(results)}\n\n${aheadOfFarcall(results, measured)}\n`;
}

function nameOf(results: Results, contender: string): string {
  return isLimit(results, contender) ? `*${contender}* (nothing decoded)` : contender;
}

function about({ machine, options, startedAt }: Results): string {
  const place = machine.pinned ? "server and client pinned to a core each" : "processes not pinned";
  return (
    `Medians of ${options.rounds} rounds of ${options.roundMs} ms on ${startedAt.slice(0, 10)}: ${machine.cpu}, ` +
    `${machine.cores} cores, Node ${machine.node.slice(1)}, ${place}. The best of each column is bold, limits aside.`
  );
}

interface MeasuredColumn {
  readonly title: string;
  readonly found: Standing;
}

function aheadOfFarcall(results: Results, measured: readonly MeasuredColumn[]): string {
  const lines = measured.flatMap(({ title, found }) => {
    const ours = best(found, isFarcall);
    if (ours === undefined) return [];
    const sign = found.column.better === "more" ? 1 : -1;
    const value = found.values.get(ours) as number;
    const ahead = [...found.values].filter(
      ([one, theirs]) => !isFarcall(one) && !isLimit(results, one) && sign * (theirs - value) > 0,
    );
    if (ahead.length === 0) return [];
    const who = ahead.map(([one, theirs]) => `${one} (${formatNumber(theirs)})`).join(", ");
    return [`- ${title}, ${found.row.title}: ${who}; ${ours} ${formatNumber(value)}`];
  });
  if (lines.length === 0) return "No peer is ahead of Farcall in any of these columns.";
  return `Ahead of Farcall's best:\n\n${lines.join("\n")}`;
}
