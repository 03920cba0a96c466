/// <reference lib="es2024.string" />

import { inspect, kindOf } from "./inspect.ts";

/** How a codec wants the things that it has no native form for. */
export interface Form {
  /** For a Date, a Uint8Array, a bigint, NaN, an infinity, or undefined that is no property: what to encode instead. */
  special(value: unknown): unknown;
  /** For an object of which a copy was made: what to encode instead. */
  object(copy: Record<string, unknown>): unknown;
}

/**
 * A copy of a value that `inspect` has passed, made of plain objects and arrays: what toJSON returned, no undefined
 * properties, no lone surrogates (each becomes U+FFFD, as in a WebSocket or a TextEncoder).
 */
export function rewrite(value: unknown, depth: number, form: Form): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "object" && value !== null) return rewriteObject(value, depth, form);
  if (value === null || typeof value === "boolean" || Number.isFinite(value)) return value;
  return form.special(value);
}

function rewriteObject(value: object, depth: number, form: Form): unknown {
  const isArray = Array.isArray(value);
  const kind = isArray ? "Array" : kindOf(value);
  if (kind === "Uint8Array")
    return form.special(value instanceof Uint8Array ? value : new Uint8Array(value as Uint8Array));
  if (kind === "Date") return form.special(value instanceof Date ? value : new Date((value as Date).getTime()));
  // A getter may answer differently than it did when the value was inspected.
  if (depth <= 0) throw new TypeError("the value changed while it was encoded");
  if (isArray) return Array.from(value as unknown[], (item) => rewrite(item, depth - 1, form));
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    const json: unknown = toJSON.call(value);
    inspect(json, depth - 1);
    return rewrite(json, depth - 1, form);
  }
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined) copy[key.toWellFormed()] = rewrite(item, depth - 1, form);
  }
  return form.object(copy);
}
