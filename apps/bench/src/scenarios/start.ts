import { buildClient, type ClientBuild } from "../start/build-client.ts";
import { firstAnswerMs } from "../start/first-answer.ts";
import type { Row } from "./scenario.ts";

/** From the start of a client's process to its first answer. */
export function startRow(kind: "bundled" | "unbundled", title: string): Row {
  const builds = new Map<string, Promise<ClientBuild>>();
  return {
    name: kind,
    title,
    columns: [
      { key: "ms", title: "ms", better: "less" },
      { key: "bundleBytes", title: "KB of JavaScript", better: "less", unit: 1_000 },
    ],
    async warmUp({ source, port, around }) {
      const build = buildClient(source, kind);
      builds.set(source, build);
      // The first start reads the files from the disk.
      await firstAnswerMs((await build).file, port, around);
    },
    async round({ source, port, around }) {
      const { file, bytes } = (await builds.get(source)) as ClientBuild;
      return { ms: await firstAnswerMs(file, port, around), bundleBytes: bytes };
    },
  };
}
