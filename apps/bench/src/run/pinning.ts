import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Which core each process runs on. */
export interface Pinning {
  /** Servers take turns; at least one. */
  readonly servers: readonly number[];
  readonly client: number;
}

/** Undefined where `taskset` is missing, or this process may use only one core. */
export function findPinning(): Pinning | undefined {
  if (process.platform !== "linux" || spawnSync("taskset", ["--version"]).error !== undefined) return undefined;
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  const [server, client, ...others] = coresIn(allowed ?? "");
  return server === undefined || client === undefined ? undefined : { servers: [server, ...others], client };
}

/** The command that runs `command` on one core; the same when it is undefined. */
export function pinned(core: number | undefined, command: readonly [string, ...string[]]): [string, ...string[]] {
  return core === undefined ? [...command] : ["taskset", "--cpu-list", String(core), ...command];
}

/** The numbers in a list like `0-3,8`. */
export function coresIn(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return range.trim() === "" ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
