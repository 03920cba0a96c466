/**
 * What may be sent is the same for every codec of this package, and is decided here, in one pass over the value before
 * it is encoded: the libraries below would drop, rename or silently change what they do not know.
 * The result says which of the slower roads the value needs; 0 is the usual one.
 */

/** A property is undefined, or an object is an instance of a class: JSON.stringify knows what to do, the others do not. */
export const needsPlain = 1;
/** A toJSON, or a thing of another realm: nothing writes this as it stands. */
export const needsCopy = 2;
/** A Date, bytes, a bigint, NaN, an infinity, undefined outside a property: JSON has no form for these. */
export const needsTag = 4;
/** An object that reads like one of JSON's tags. */
export const needsEscape = 8;
/** A date so far away that seconds as a float no longer tell its milliseconds. */
export const needsDateText = 16;
/** An object whose keys are not a shape of the table. */
export const needsShape = 32;

/** Keys in order, as a tree; a node with a `shape` ends one. */
export interface ShapeNode {
  readonly next: Record<string, ShapeNode>;
  shape: number;
}

/** Keys that mean something in tagged JSON, and the same with more dollar signs, which is how users' own are escaped. */
export const tagKey = /^\$+(?:bigint|bytes|date|number|undefined)$/;

/** Bits in the largest bigint, either sign: reading one takes quadratic time, and a peer chooses how many it sends. */
export const maxBigintBits = 1024;
const bigintEnd = 1n << BigInt(maxBigintBits);
export const farDateMs = 2 ** 50;

/**
 * @param maxDepth arrays and objects inside one another
 * @throws TypeError that says what cannot be sent, and where
 */
export function inspect(value: unknown, maxDepth: number, shapes?: ShapeNode): number {
  try {
    return inspectItem(value, maxDepth, shapes);
  } catch (error) {
    throw error instanceof Unsendable ? error.toTypeError(maxDepth) : error;
  }
}

function inspectItem(value: unknown, depth: number, shapes: ShapeNode | undefined): number {
  switch (typeof value) {
    case "string":
      return 0; // lone surrogates are looked for in what was written, which is cheaper
    case "number":
      return value - value === 0 ? 0 : needsTag;
    case "boolean":
      return 0;
    case "undefined":
      return needsTag;
    case "object":
      return value === null ? 0 : inspectObject(value, depth, shapes);
    case "bigint":
      if (value < bigintEnd && value > -bigintEnd) return needsTag;
      throw new Unsendable(`a bigint of more than ${maxBigintBits} bits`);
    case "function":
    case "symbol":
    default:
      throw new Unsendable(`a ${typeof value}`);
  }
}

function inspectObject(value: object, depth: number, shapes: ShapeNode | undefined): number {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return inspectPlain(value as Record<string, unknown>, depth, shapes);
  }
  if (prototype === Array.prototype) return inspectArray(value as unknown[], depth, shapes);
  return inspectInstance(value, depth, shapes);
}

function inspectArray(items: unknown[], depth: number, shapes: ShapeNode | undefined): number {
  if (depth === 0) throw new Unsendable(tooDeep);
  let flags = 0;
  let index = 0;
  try {
    for (; index < items.length; index++) flags |= inspectItem(items[index], depth - 1, shapes);
  } catch (error) {
    throw located(error, index);
  }
  return flags;
}

function inspectPlain(value: Record<string, unknown>, depth: number, shapes: ShapeNode | undefined): number {
  if (depth === 0) throw new Unsendable(tooDeep);
  let flags = 0;
  let sent = 0;
  let at = "";
  let node = shapes;
  try {
    for (const key in value) {
      const item = value[key];
      if (item === undefined) {
        flags |= needsPlain;
        continue;
      }
      at = key;
      if (key === "__proto__") throw new Unsendable("a key named __proto__");
      if (typeof item === "function" && key === "toJSON") return needsCopy;
      sent++;
      if (node !== undefined) node = node.next[key];
      flags |= inspectItem(item, depth - 1, shapes);
    }
  } catch (error) {
    throw located(error, at);
  }
  if (sent === 1 && at.charCodeAt(0) === dollar && tagKey.test(at)) flags |= needsEscape;
  if (shapes !== undefined && (node === undefined || node.shape < 0)) flags |= needsShape;
  return flags;
}

const dollar = 0x24;
const tooDeep = "a value nested too deep, or inside itself,";

// Everything that is rare, by what it is rather than by whose class it is: a Date of another realm is a Date.
function inspectInstance(value: object, depth: number, shapes: ShapeNode | undefined): number {
  if (Array.isArray(value)) return needsCopy | inspectArray(value, depth, shapes);
  const kind = kindOf(value);
  if (kind === "Uint8Array") return value instanceof Uint8Array ? needsTag : needsTag | needsCopy;
  if (kind === "Date") return inspectDate(value as Date);
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return needsCopy;
  if (kind !== "Object") throw new Unsendable(`a ${kind}`);
  return needsPlain | inspectPlain({ ...value }, depth, shapes);
}

function inspectDate(date: Date): number {
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw new Unsendable("an invalid Date");
  const near = ms < farDateMs && ms > -farDateMs ? 0 : needsDateText;
  return needsTag | near | (date instanceof Date ? 0 : needsCopy);
}

/** `Date`, `Map`, `Object`: what the language says an object is. */
export function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function located(error: unknown, key: string | number): unknown {
  if (error instanceof Unsendable) error.path.unshift(String(key));
  return error;
}

class Unsendable extends Error {
  readonly path: string[] = [];

  toTypeError(maxDepth: number): TypeError {
    const deep = this.message === tooDeep;
    const where =
      this.path.length === 0 ? "" : ` (at ${this.path.slice(0, 8).join(".")}${this.path.length > 8 ? "…" : ""})`;
    return new TypeError(`${this.message} cannot be sent${deep ? `: the limit is ${maxDepth} levels` : ""}${where}`);
  }
}
