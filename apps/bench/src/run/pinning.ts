import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Which core each end runs on. */
export interface Pinning {
  readonly server: number;
  readonly client: number;
}

/** Undefined where `taskset` is missing, or this process may use only one core. */
export function findPinning(): Pinning | undefined {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).error !== undefined) return undefined;
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const [server, client] = coresIn(allowed ?? "");
  return server === undefined || client === undefined ? undefined : { server, client };
}

/** The numbers in a list like `0-3,8`. */
export function coresIn(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return range.trim() === "" ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
