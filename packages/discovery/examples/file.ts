import { readFile, watch } from "node:fs/promises";
import type { Resolver } from "@farcall/discovery";

/** Addresses in a JSON file, read again when it changes. */
export const file = (path: string): Resolver =>
  async function* ({ signal }) {
    yield JSON.parse(await readFile(path, "utf8"));
    for await (const _ of watch(path, { signal })) yield JSON.parse(await readFile(path, "utf8"));
  };
