/// <reference lib="es2024.string" />

import type { ShapeNode } from "./inspect.ts";
import { type ShapeTable, shapeFinder, shapeTree } from "./shapes.ts";

/** The tag of shape 0 (cbor-x's shared structures); the others follow. */
export const firstShapeTag = 0xe000;

/** One shape of a table, as the writer wants it. */
export interface Shape {
  readonly keys: readonly string[];
  /** Tag and array head. */
  readonly head: Uint8Array;
  /** For each key the shape that its value, or an item of that value, had last time: the guess for the next. */
  readonly guesses: Shape[];
  readonly table: ShapeIndex;
}

export interface ShapeIndex {
  readonly tree: ShapeNode;
  readonly shapes: readonly Shape[];
  /** The keys of all shapes; an object with any other cannot be one. */
  readonly known: ReadonlySet<string>;
  readonly find: (keys: readonly string[]) => readonly string[] | undefined;
}

/** A place outside all shapes, from which the writer starts; undefined when the table is empty. */
export function rootShape(table: ShapeTable): Shape | undefined {
  if (table.length === 0) return undefined;
  const shapes: Shape[] = [];
  const index: ShapeIndex = {
    tree: shapeTree(table),
    shapes,
    // A key with half a surrogate pair is another once it is written.
    known: new Set(table.flat().filter((key) => key.isWellFormed())),
    find: shapeFinder(table),
  };
  const root: Shape = { keys: [], head: new Uint8Array(0), guesses: [], table: index };
  table.forEach((keys, i) => shapes.push({ keys, head: headOf(i, keys.length), guesses: [], table: index }));
  for (const shape of [root, ...shapes]) {
    for (let i = 0; i < Math.max(shape.keys.length, 1); i++) shape.guesses.push(shapes[0]!);
  }
  return root;
}

function headOf(shape: number, size: number): Uint8Array {
  const tag = firstShapeTag + shape;
  return Uint8Array.of(0xd9, tag >> 8, tag, ...(size < 24 ? [0x80 | size] : [0x98, size]));
}

/** The shape whose keys are the object's, in the same order, undefined ones left out. */
export function exactShape(value: Record<string, unknown>, table: ShapeIndex): Shape | undefined {
  let node: ShapeNode | undefined = table.tree;
  for (const key in value) {
    if (value[key] === undefined) continue;
    node = node.next[key];
    if (node === undefined) return undefined;
  }
  return node.shape < 0 ? undefined : table.shapes[node.shape];
}

/** The keys of the shape that the object has in another order. */
export function shuffledShape(value: Record<string, unknown>, table: ShapeIndex): Shape | undefined {
  const keys: string[] = [];
  for (const key in value) {
    if (value[key] === undefined) continue;
    if (!table.known.has(key)) return undefined;
    keys.push(key);
  }
  const found = table.find(keys);
  return found === undefined ? undefined : table.shapes.find((shape) => shape.keys === found);
}
