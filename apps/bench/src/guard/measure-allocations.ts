import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Work } from "../ends/work.ts";
import { lastWords } from "../run/last-words.ts";

const timeoutMs = 60_000;
// Collections happen only where they are asked for. With helper threads, two processes of a hundred stood still.
const flags = ["--expose-gc", "--single-threaded-gc", "--max-semi-space-size=256", "--min-semi-space-size=256"];

/**
 * Bytes that both ends together allocate for a call, or a message of a stream: the mean of `count`, in a process of their
 * own. It is the same within a few per cent on every machine, however busy.
 */
export async function bytesPerCall(contender: string, work: Work, count: number): Promise<number> {
  const file = fileURLToPath(new URL("allocations.ts", import.meta.url));
  const args = [...flags, file, contender, JSON.stringify(work), String(count)];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: timeoutMs, killSignal: "SIGKILL" });
    return Number(stdout);
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`the process that counts for ${contender} failed: ${lastWords(stderr ?? "")}`, { cause: error });
  }
}
