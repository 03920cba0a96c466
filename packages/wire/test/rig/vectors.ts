import { readFileSync } from "node:fs";
import type { Frame } from "./frame-text.ts";

/** What one end writes before it hears from the other again. The first step of each end begins with the preface. */
export interface Step {
  readonly from: "client" | "server";
  readonly hex: string;
  readonly frames: readonly Frame[];
}

export interface Vectors {
  readonly frames: { readonly hex: string; readonly frame: Frame }[];
  readonly conversations: { readonly name: string; readonly steps: readonly Step[] }[];
  readonly monologues: { readonly name: string; readonly steps: readonly Step[] }[];
}

export function readVectors(): Vectors {
  return JSON.parse(readFileSync(new URL("../../vectors/conversations.json", import.meta.url), "utf8")) as Vectors;
}

/** All that one end writes. */
export function bytesFrom(steps: readonly Step[], from: Step["from"]): Buffer {
  return Buffer.concat(steps.filter((step) => step.from === from).map((step) => Buffer.from(step.hex, "hex")));
}
