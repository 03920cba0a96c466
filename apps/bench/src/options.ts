import { parseArgs } from "node:util";
import { isContenderFile } from "./contenders/index.ts";

/** What the command line asks for. */
export interface BenchOptions {
  /** Undefined: all. */
  readonly only: readonly string[] | undefined;
  /** Undefined: all, or with `quick` the one that says most. */
  readonly scenarios: readonly string[] | undefined;
  readonly quick: boolean;
  readonly json: string | undefined;
  readonly rounds: number | undefined;
  readonly roundMs: number | undefined;
}

/** The command line is wrong; the message says how, in one line. */
export class UsageError extends Error {}

export interface Choices {
  readonly contenders: readonly string[];
  readonly scenarios: readonly string[];
}

export function usage({ contenders, scenarios }: Choices): string {
  return `npm run bench -- [options]      Farcall beside its peers, each end in a process of its own

  --only <names>      contenders, with commas: ${wrapped(contenders)};
                      or files of your own, like ./mine.ts
  --scenario <names>  ${scenarios.join(", ")}
  --quick             within 60 s: small calls only, short rounds; with --scenario, those scenarios in short rounds
  --json <file>       writes every round, the machine and the versions
  --rounds <number>   how often each is measured
  --round-ms <ms>     how long one round lasts; the warm-up is twice as long`;
}

/** @throws UsageError */
export function parseOptions(args: readonly string[], choices: Choices): BenchOptions | "help" {
  const values = parse(args);
  if (values.help === true) return "help";
  return {
    only: namesIn("only", values.only, choices.contenders, isContenderFile),
    scenarios: namesIn("scenario", values.scenario, choices.scenarios),
    quick: values.quick ?? false,
    json: values.json,
    rounds: wholeNumber("rounds", values.rounds, 1_000),
    roundMs: wholeNumber("round-ms", values["round-ms"], 600_000),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        scenario: { type: "string" },
        quick: { type: "boolean" },
        json: { type: "string" },
        rounds: { type: "string" },
        "round-ms": { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    // Its first sentence says what is wrong; the rest is advice that doesn't fit here.
    throw new UsageError((error as Error).message.split(". ")[0]);
  }
}

function namesIn(
  option: string,
  value: string | undefined,
  choices: readonly string[],
  isMore?: (name: string) => boolean,
): string[] | undefined {
  if (value === undefined) return undefined;
  const names = [...new Set(value.split(",").map((name) => name.trim()))];
  for (const name of names) {
    if (!choices.includes(name) && isMore?.(name) !== true)
      throw new UsageError(`--${option}: there is no "${name}"; there are ${choices.join(", ")}`);
  }
  // In the order of the reports, whatever the order on the command line.
  return [...choices.filter((name) => names.includes(name)), ...names.filter((name) => isMore?.(name))];
}

function wholeNumber(option: string, value: string | undefined, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new UsageError(`--${option} is a whole number from 1 to ${most}, not "${value}"`);
}

function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += 6) lines.push(names.slice(i, i + 6).join(", "));
  return lines.join(`,\n${" ".repeat(22)}`);
}
