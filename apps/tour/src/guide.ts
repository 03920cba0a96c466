import { setTimeout as sleep } from "node:timers/promises";
import { inspect, isDeepStrictEqual, styleText } from "node:util";
import { RpcError } from "farcall";

export interface GuideOptions {
  /** Nothing waits for a human reader. */
  readonly once: boolean;
  /** Nothing is shown any more after its abort. */
  readonly signal: AbortSignal;
}

/** Shows code while it runs, and keeps count of what is not as expected. */
export class Guide {
  readonly mistakes: string[] = [];
  readonly #options: GuideOptions;
  /** Is the cursor behind something that `write` wrote? */
  #midLine = false;

  constructor(options: GuideOptions) {
    this.#options = options;
  }

  headline(title: string, kind: string): void {
    this.#print(`\n${styleText("bold", title)} ${styleText("dim", `· ${kind}`)}`);
  }

  remark(text: string): void {
    this.#print(styleText("dim", `\n  ${text}`));
  }

  line(text: string): void {
    this.#print(`  ${text}`);
  }

  /** Without a line break, for what appears bit by bit. */
  write(text: string): void {
    this.#options.signal.throwIfAborted();
    process.stdout.write(this.#midLine ? text : `  ${text}`);
    this.#midLine = !text.endsWith("\n");
  }

  /** Prints the source of `run` and runs it: what is shown is what happens. */
  async shown<T>(run: () => Promise<T>): Promise<T> {
    await sleep(this.paceMs(250), undefined, { signal: this.#options.signal });
    for (const line of sourceOf(run)) this.#print(`  ${styleText("cyan", line)}`);
    return await run();
  }

  /** The same for a call that is meant to fail: returns its error. */
  async fails(run: () => Promise<unknown>): Promise<RpcError> {
    const outcome = await this.shown(run).then(
      (value) => new Error(`expected a failure and got ${inspect(value)}`),
      (error: unknown) => error,
    );
    if (!(outcome instanceof RpcError)) throw outcome;
    this.#print(`  ${styleText("yellow", "→")} ${outcome.message}`);
    return outcome;
  }

  /** Prints an answer, which should equal `expected`. */
  answer(actual: unknown, expected: unknown): void {
    this.#print(`  ${styleText("green", "→")} ${inspect(actual, { breakLength: 100 }).replaceAll("\n", "\n  ")}`);
    this.expect("the answer", actual, expected);
  }

  expect(what: string, actual: unknown, expected: unknown): void {
    if (isDeepStrictEqual(actual, expected)) return;
    this.mistakes.push(`${what}: expected ${inspect(expected)}, got ${inspect(actual)}`);
    this.#print(`  ${styleText("red", `✗ ${this.mistakes.at(-1)}`)}`);
  }

  farewell(): void {
    this.#print(`\n${styleText("green", "✓")} Every answer was as expected.`);
    this.#print(
      styleText("dim", "  Its code is in apps/tour/src; npm start -- --explain follows one call step by step."),
    );
  }

  /** `ms` for a human reader, 0 when nobody waits. */
  paceMs(ms: number): number {
    return this.#options.once ? 0 : ms;
  }

  #print(text: string): void {
    this.#options.signal.throwIfAborted();
    console.log(this.#midLine ? `\n${text}` : text);
    this.#midLine = false;
  }
}

/** The lines of a function's body, without the function around it. */
function sourceOf(run: () => unknown): string[] {
  const source = String(run);
  const block = /^async \(\) => \{\n(.*)\n\s*\}$/s.exec(source)?.[1];
  if (block === undefined) return [source.replace(/^async \(\) => /, "").replace(/^\(\) => /, "await ")];
  const lines = block.split("\n");
  const indent = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent));
}
