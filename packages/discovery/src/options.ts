/**
 * Checks options of which each must be a positive number.
 * @throws RangeError that names the first that is not.
 */
export function checkPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (typeof value !== "number" || !(value > 0))
      throw new RangeError(`${name} must be a positive number, got ${String(value)}`);
  }
}

/** @throws RangeError that names the first that is not from 1 up, without a fraction; `Infinity` is allowed. */
export function checkCounts(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value >= 1 && (Number.isInteger(value) || value === Infinity)) continue;
    throw new RangeError(`${name} must be 1, 2, 3, …, got ${String(value)}`);
  }
}

/** @throws TypeError when it is no object, or that names the first key that is not among those known. */
export function checkKnown(where: string, given: unknown, known: readonly string[]): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`${where} must be an object of options, got ${JSON.stringify(given) ?? String(given)}`);
  }
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) throw new TypeError(`${where} has no option "${key}"; it has ${known.join(", ")}`);
  }
}
