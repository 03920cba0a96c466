import type { Schema } from "@farcall/core";
import type { ShapeNode } from "./inspect.ts";

/** Shapes a table may have; what is beyond is sent with its keys. */
const maxShapes = 256;
/** An object with more optional keys than this has no shape for each combination, only for the likely ones. */
const maxCombined = 4;
const maxKeys = 64;

/** The keys of the objects that a type of message is made of, in the order in which the schema names them. */
export type ShapeTable = readonly (readonly string[])[];

type JsonSchema = { readonly [keyword: string]: unknown };
type Converter = (options: { target: string; libraryOptions?: object }) => JsonSchema;

/**
 * What a schema tells of its objects' keys. Empty when the library has no Standard JSON Schema
 * (https://standardschema.dev/json-schema) or the schema cannot be converted. The input side, because that is what
 * crosses the wire. The order follows from the schema alone.
 */
export function shapesOf(schema: Schema): ShapeTable {
  const { jsonSchema } = schema["~standard"] as { jsonSchema?: { input: Converter } };
  if (jsonSchema === undefined) return [];
  const found = new Map<string, string[]>();
  try {
    // Asks zod to leave a hole for what JSON Schema lacks (dates, bigints), instead of refusing the whole schema.
    collect(jsonSchema.input({ target: "draft-2020-12", libraryOptions: { unrepresentable: "any" } }), found, 0);
  } catch {
    return [];
  }
  return [...found.values()].slice(0, maxShapes);
}

// Walks the keywords that hold schemas by looking at everything: an unknown keyword costs a shape that is never used.
// References need no following, since what they refer to is in the same document.
function collect(schema: unknown, found: Map<string, string[]>, depth: number): void {
  if (typeof schema !== "object" || schema === null || depth > 200 || found.size >= maxShapes) return;
  if (Array.isArray(schema)) {
    for (const part of schema as unknown[]) collect(part, found, depth + 1);
    return;
  }
  const { properties, required } = schema as JsonSchema;
  if (isRecord(properties))
    addShapes(Object.keys(properties), Array.isArray(required) ? (required as string[]) : [], found);
  for (const [keyword, part] of Object.entries(schema)) {
    if (keyword === "properties" || keyword === "$defs")
      for (const one of Object.values(part as object)) collect(one, found, depth + 1);
    else if (!isData.has(keyword)) collect(part, found, depth + 1);
  }
}

const isData = new Set(["default", "const", "enum", "examples", "required"]);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function addShapes(keys: readonly string[], required: readonly string[], found: Map<string, string[]>): void {
  if (keys.length > maxKeys || keys.includes("__proto__")) return;
  const optional = keys.filter((key) => !required.includes(key));
  for (const missing of combinations(optional)) {
    const shape = keys.filter((key) => !missing.includes(key));
    // An empty object is one byte without a table.
    if (shape.length > 0) found.set(JSON.stringify(shape), shape);
  }
}

/** Which of the optional keys may be missing together: all subsets of few; of many none, each alone, all. */
function combinations(optional: readonly string[]): string[][] {
  if (optional.length > maxCombined) return [[], ...optional.map((key) => [key]), [...optional]];
  return optional.reduce<string[][]>((sets, key) => [...sets, ...sets.map((set) => [...set, key])], [[]]);
}

/** The table as a tree, for `inspect`. */
export function shapeTree(table: ShapeTable): ShapeNode {
  const root = newNode();
  table.forEach((keys, shape) => {
    let node = root;
    for (const key of keys) node = node.next[key] ??= newNode();
    node.shape = shape;
  });
  return root;
}

function newNode(): ShapeNode {
  return { next: Object.create(null) as Record<string, ShapeNode>, shape: -1 };
}

/** Finds the shape with the same keys in whatever order. */
export function shapeFinder(table: ShapeTable): (keys: readonly string[]) => readonly string[] | undefined {
  const bySet = new Map(table.map((keys) => [signature(keys), keys]));
  return (keys) => bySet.get(signature(keys));
}

function signature(keys: readonly string[]): string {
  return JSON.stringify([...keys].sort());
}
