import { spawn } from "node:child_process";
import { once } from "node:events";
import { WrongReply } from "../ends/wrong-reply.ts";
import { lastWords } from "../run/last-words.ts";
import type { Surroundings } from "../run/pair.ts";
import { pinned } from "../run/pinning.ts";

const timeoutMs = 30_000;

/**
 * Starts a client that `buildClient` made, and measures the time to its first answer, ms.
 * @throws Error with what it printed when it fails; WrongReply
 */
export async function firstAnswerMs(file: string, port: number, { pinning, signal }: Surroundings): Promise<number> {
  const [program, ...args] = pinned(pinning?.client, [process.execPath, file, String(port)]);
  const start = performance.now();
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    killSignal: "SIGKILL",
  });
  const gone = once(child, "close");
  gone.catch(() => {});
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const answer = once(child.stdout, "data") as Promise<[Buffer]>;
  answer.catch(() => {});
  const first = await Promise.race([answer, gone.then(() => undefined)]);
  const ms = performance.now() - start;
  if (first === undefined) throw new Error(`the client ended without an answer: ${lastWords(said)}`);
  child.kill("SIGKILL");
  await gone;
  const total = first[0].toString().trim();
  if (total !== "42") throw new WrongReply(`add(40, 2) gave ${total}`);
  return ms;
}
