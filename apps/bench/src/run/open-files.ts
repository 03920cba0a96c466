import { spawnSync } from "node:child_process";

/** How many files and sockets a process may have open; Node raises its own limit to that. */
export function openFilesLimit(): number {
  const { stdout } = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" });
  const limit = Number(stdout?.trim());
  return Number.isNaN(limit) ? Infinity : limit;
}
