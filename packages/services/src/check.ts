/** @throws TypeError when it is no object, or that names the first key that is not among those known. */
export function checkKnown(where: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== "object" || given === null) throw new TypeError(`${where}: the options must be an object`);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`${where} has no option "${unknown}"; it has ${known.join(", ")}`);
}

/** @throws TypeError that names the first that is given and no function. */
export function checkFunctions(functions: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(functions)) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`\`${name}\` must be a function`);
  }
}
