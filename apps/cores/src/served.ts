import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** `serve.ts` as a child, with what it has printed so far. */
export class Served {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  /** Status or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  #onLine: () => void = () => {};

  constructor(args: readonly string[], onLine: (line: string) => void) {
    const file = fileURLToPath(new URL("serve.ts", import.meta.url));
    const child = spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    this.process = child;
    createInterface({ input: child.stdout as Readable }).on("line", (line) => {
      this.lines.push(line);
      onLine(line);
      this.#onLine();
    });
    this.ended = new Promise((resolve) => child.once("close", (status, signal) => resolve(status ?? signal)));
  }

  /** The next match in a line after the first `from`; rejects when it ends without. */
  printed(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = this.lines
          .slice(from)
          .map((line) => pattern.exec(line))
          .find((one) => one !== null);
        if (match) resolve(match);
      };
      this.#onLine = look;
      look();
    });
    const missing = this.ended.then((how) => {
      throw new Error(`the servers ended (${how}) without ${pattern}:\n${this.lines.join("\n")}`);
    });
    return Promise.race([found, missing]);
  }
}
