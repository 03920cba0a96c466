import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Work } from "../ends/work.ts";

const timeoutMs = 60_000;
const flags = ["--expose-gc", "--max-semi-space-size=256", "--min-semi-space-size=256"];

/**
 * Bytes that both ends together allocate for a call, or a message of a stream: the mean of `count`, in a process of their
 * own. It is the same within a few per cent on every machine, however busy.
 */
export async function bytesPerCall(contender: string, work: Work, count: number): Promise<number> {
  const file = fileURLToPath(new URL("allocations.ts", import.meta.url));
  const args = [...flags, file, contender, JSON.stringify(work), String(count)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: timeoutMs, killSignal: "SIGKILL" });
  return Number(stdout);
}
