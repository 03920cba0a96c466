import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Answer, Command, Commands } from "../ends/commands.ts";
import { lastWords } from "./last-words.ts";
import { pinned } from "./pinning.ts";

/** What a command is given; null for those that take nothing. */
type Input<C extends Commands, K extends keyof C> = Parameters<C[K]> extends [infer I] ? I : null;
type Output<C extends Commands, K extends keyof C> = Awaited<ReturnType<C[K]>>;

/** What was asked of a process failed. */
export class EndFailed extends Error {
  /** It gave a wrong answer, which is worse than none. */
  readonly wrongReply: boolean;

  constructor(message: string, wrongReply = false) {
    super(message);
    this.wrongReply = wrongReply;
  }
}

export interface EndProcessOptions {
  /** Undefined: wherever the system puts it. */
  readonly core?: number | undefined;
  readonly signal: AbortSignal;
}

/** A child process that runs one of the files in `ends/`. It ends when this process does, however that happens. */
export class EndProcess<C extends Commands> {
  /** Rejects when the process is gone; never resolves. */
  readonly death: Promise<never>;
  #reportDeath: (error: EndFailed) => void = () => {};
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #asked = new Map<number, { resolve(output: never): void; reject(error: Error): void }>();
  #nextId = 0;
  #printed = "";
  #cause: EndFailed | undefined;
  readonly #name: string;

  constructor(name: "server" | "client", { core, signal }: EndProcessOptions) {
    this.#name = name;
    this.death = new Promise((_, reject) => (this.#reportDeath = reject));
    this.death.catch(() => {});
    const file = fileURLToPath(new URL(`../ends/${name}.ts`, import.meta.url));
    const [program, ...args] = pinned(core, [process.execPath, "--expose-gc", file]);
    this.#child = spawn(program, args, { stdio: ["ignore", "inherit", "pipe", "ipc"] });
    this.#gone = once(this.#child, "exit").catch(() => {});
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.#printed = (this.#printed + text.toString()).slice(-4_000);
    });
    this.#child.on("message", (answer: Answer) => {
      const one = this.#asked.get(answer.id);
      this.#asked.delete(answer.id);
      if ("error" in answer) one?.reject(new EndFailed(answer.error, answer.wrongReply));
      else one?.resolve(answer.output as never);
    });
    this.#child.on("error", (error) => this.#died(error.message));
    // Not "exit": what it said last on standard error has been read by now.
    this.#child.on("close", (code, killedBy) => this.#died(`it ended with ${killedBy ?? code}`));
    const stop = (): void => void this.#child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    void this.#gone.then(() => signal.removeEventListener("abort", stop));
  }

  /** @throws EndFailed when the command fails there, the process dies, or `timeoutMs` pass. */
  ask<K extends keyof C & string>(name: K, input: Input<C, K>, timeoutMs: number): Promise<Output<C, K>> {
    if (this.#cause !== undefined) return Promise.reject(this.#cause);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#asked.delete(id);
        reject(new EndFailed(`the ${this.#name} did not finish "${name}" within ${timeoutMs / 1_000} s`));
      }, timeoutMs);
      this.#asked.set(id, {
        resolve(output) {
          clearTimeout(late);
          resolve(output);
        },
        reject(error) {
          clearTimeout(late);
          reject(error);
        },
      });
      this.#child.send({ id, name, input } satisfies Command);
    });
  }

  /** Ends the process. Resolves when it is gone; what was asked of it fails. */
  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone;
  }

  #died(how: string): void {
    this.#cause ??= new EndFailed(`the ${this.#name} died: ${how}; ${lastWords(this.#printed)}`);
    for (const { reject } of this.#asked.values()) reject(this.#cause);
    this.#asked.clear();
    this.#reportDeath(this.#cause);
  }
}
