import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The values of a program's options; prints the usage for `--help`, and ends with status 2 when an option is wrong. */
export function readOptions<T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean", short: "h" } } as T });
    if ((values as { help?: boolean }).help === true) {
      console.log(usage);
      process.exit(0);
    }
    return values;
  } catch (error) {
    // Its first sentence says what is wrong; the rest is advice that doesn't fit here.
    return misused((error as Error).message.split(". ")[0] as string);
  }
}

/** `value`, if it is one of the choices. */
export function oneOf<C extends string>(option: string, value: string, choices: readonly C[]): C {
  const chosen = choices.find((choice) => choice === value);
  return chosen ?? misused(`--${option} is one of ${choices.join(", ")}, not "${value}"`);
}

function misused(message: string): never {
  console.error(`${message}\n--help shows what there is.`);
  process.exit(2);
}

/** The whole number that an option says, if it is one from `least` to `most`. */
export function countOf(option: string, value: string, least: number, most: number): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= least && count <= most) return count;
  return misused(`--${option} is a whole number from ${least} to ${most}, not "${value}"`);
}
