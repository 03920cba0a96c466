/**
 * Whether two decoded values are the same in kind and content: NaN is NaN, -0 is 0 (as in JSON), a Date is its time,
 * a Uint8Array its bytes (and never a Buffer), an object its own keys in any order, with the ordinary prototype.
 */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a === "number" && typeof b === "number") return Number.isNaN(a) && Number.isNaN(b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return a.getTime() === (b as Date).getTime();
  if (a instanceof Uint8Array) return isSameList(a, b as Uint8Array);
  if (Array.isArray(a)) return isSameList(a, b as unknown[]);
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every(
    (key) =>
      Object.hasOwn(b, key) && isSameValue((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  );
}

function isSameList(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!isSameValue(a[i], b[i])) return false;
  return true;
}

/** A value as text, for the message of a failed test. */
export function show(value: unknown): string {
  const text =
    JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? `${item}n` : item)) ?? String(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
