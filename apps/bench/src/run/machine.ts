import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import type { Contender } from "../contender.ts";
import type { Pinning } from "./pinning.ts";
import type { ContenderInfo, Machine } from "./results.ts";

export function describeMachine(pinning: Pinning | undefined): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${type()} ${release()} ${process.arch}`,
    node: process.version,
    pinned: pinning ?? null,
    loadAverage: loadavg()[0] ?? 0,
  };
}

export function describeContender({ wire, codec, packages }: Contender): ContenderInfo {
  return { wire, codec, packages: Object.fromEntries(packages.map((one) => [one, versionOf(one)])) };
}

function versionOf(packageName: string): string {
  const file = findPackageJSON(packageName, import.meta.url);
  if (file === undefined) return "unknown";
  return (JSON.parse(readFileSync(file, "utf8")) as { version?: string }).version ?? "unknown";
}
