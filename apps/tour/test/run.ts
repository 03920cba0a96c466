import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A program of the tour as a user starts it, with what it has printed so far. */
export class Run {
  stdout = "";
  stderr = "";
  readonly process: ChildProcess;
  /** It has ended, and so has every process that it shares its output with. */
  readonly closed: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  #onOutput: () => void = () => {};

  constructor(program: "main" | "server" | "client", ...args: readonly string[]) {
    const file = fileURLToPath(new URL(`../src/${program}.ts`, import.meta.url));
    const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
    const child = spawn(process.execPath, [file, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#onOutput();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.closed = once(child, "close").then(([status, signal]) => ({ status, signal }));
  }

  /** The first match of `pattern` in what it prints; rejects when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      this.#onOutput = () => {
        const match = pattern.exec(this.stdout);
        if (match !== null) resolve(match);
      };
      this.#onOutput();
    });
    const missing = this.closed.then(() => {
      throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`);
    });
    return Promise.race([found, missing]);
  }
}

/** Runs the whole tour. */
export async function tour(...args: readonly string[]) {
  const run = new Run("main", ...args);
  const { status } = await run.closed;
  return { status, stdout: run.stdout, stderr: run.stderr };
}
