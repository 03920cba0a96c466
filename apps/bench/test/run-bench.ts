import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const app = fileURLToPath(new URL("..", import.meta.url));

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of this app to its end. `onOutput` sees all that it printed so far. */
export async function runProgram(
  file: string,
  args: readonly string[],
  onOutput?: (stdout: string, interrupt: () => void) => void,
): Promise<Finished> {
  const child = spawn(process.execPath, [file, ...args], { cwd: app, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
    onOutput?.(stdout, () => child.kill("SIGINT"));
  });
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { status: code ?? -1, stdout, stderr };
}
