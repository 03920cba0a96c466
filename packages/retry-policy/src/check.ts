/** What an option must be. Each check names the field in what it throws. */
export interface NumberRange {
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
  /** `min` itself is too small. */
  readonly above?: boolean;
}

/** @throws TypeError when it is no number, RangeError when it is out of range. */
export function checkNumber(field: string, value: unknown, range: NumberRange): number {
  const { min, max = Infinity, integer = false, above = false } = range;
  if (typeof value !== "number") throw new TypeError(`${field} must be a number, got ${show(value)}`);
  const fits = value >= min && value <= max && !(above && value === min) && (!integer || Number.isInteger(value));
  if (fits) return value;
  const kind = integer ? "a whole number" : "a number";
  const bounds = `${above ? "above" : "of at least"} ${min}${max === Infinity ? "" : ` and at most ${max}`}`;
  throw new RangeError(`${field} must be ${kind} ${bounds}, got ${value}`);
}

/** @throws TypeError when it is no plain object, or has a field that does not exist. */
export function checkFields<T>(field: string, value: T, known: readonly string[]): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${field} must be an object, got ${show(value)}`);
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`${field} has no field "${unknown}"; there are ${known.join(", ")}`);
  }
  return value;
}

/** @throws TypeError when it is given and no function. */
export function checkFunction(field: string, value: unknown): void {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`${field} must be a function, got ${show(value)}`);
  }
}

export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}
