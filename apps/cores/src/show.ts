import { setTimeout as sleep } from "node:timers/promises";
import { styleText } from "node:util";
import { createClient, RpcError, tcp } from "farcall";
import { Callers, type Tally } from "./callers/callers.ts";
import { Flights } from "./flights/contract.ts";
import { aborted } from "./interruption.ts";
import { Served } from "./served.ts";
import type { Mode } from "./servers/start-server.ts";

export interface ShowOptions {
  readonly mode: Mode;
  readonly servers: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly once: boolean;
  readonly signal: AbortSignal;
}

/** Heavy calls made at once: more than the threads take, so that some are told to come again. */
const heavyCalls = 16;

/** Starts the servers, keeps calling them, and does to them what happens to servers. */
export class Show {
  readonly #options: ShowOptions;
  readonly #mistakes: string[] = [];

  constructor(options: ShowOptions) {
    this.#options = options;
  }

  /** Resolves to the exit status: 0 when everything was as expected, 128 and more when it was interrupted. */
  async run(): Promise<number> {
    const { mode, servers, connections, inFlight, signal, once } = this.#options;
    const served = new Served(["--mode", mode, "--servers", String(servers), "--port", "0"], (line) =>
      console.log(styleText("dim", `  servers │ ${line}`)),
    );
    let callers: Callers | undefined;
    try {
      const address = await this.#unlessInterrupted(served.printed(/^serving (\S+)/).then(([, one]) => one as string));
      callers = new Callers({ address, connections, inFlight });
      this.#headline(`${connections} connections, ${inFlight} calls in flight on each`);
      await this.#unlessInterrupted(Promise.all([callers.begun, sleep(once ? 500 : 2_000)]));
      this.#report(callers.takeTally());
      await this.#unlessInterrupted(this.#computeHeavily(address, callers));
      await this.#unlessInterrupted(this.#restart(served, callers));
      if (mode !== "threads") await this.#unlessInterrupted(this.#killOne(served, callers));
      if (!once) await this.#unlessInterrupted(this.#callOn(served, callers));
    } catch (error) {
      if (!signal.aborted) this.#mistakes.push(String(error));
    }
    await callers?.stop();
    served.process.kill("SIGTERM");
    const status = await served.ended;
    if (signal.aborted) return signal.reason as number;
    if (status !== 0) this.#mistakes.push(`the servers ended with ${status}`);
    for (const mistake of this.#mistakes) console.error(`\nNot as expected: ${mistake}`);
    if (this.#mistakes.length === 0) console.log(`\n${styleText("green", "✓")} Everything was as expected.`);
    return this.#mistakes.length === 0 ? 0 : 1;
  }

  async #computeHeavily(address: string, callers: Callers): Promise<void> {
    this.#headline(`${heavyCalls} heavy calls at once, in the servers' worker threads`);
    await using transport = tcp(address);
    let later = 0;
    const flights = createClient(Flights, {
      transport,
      timeoutMs: 60_000,
      // To come when it was told to is no load on a server that is busy, so nothing but time limits it.
      retry: { attempts: 100, budget: false, onAttempt: ({ next }) => void (next === "retry" && later++) },
    });
    const heavy = Array.from({ length: heavyCalls }, () => flights.worstClosures({ among: 10 }));
    const [first] = await Promise.all(heavy);
    const { closed, pairsCutOff } = first?.closures[0] ?? { closed: [], pairsCutOff: 0 };
    this.#line(`closing ${closed.join(" and ")} cuts off ${counted(pairsCutOff)} pairs of airports`);
    this.#line(`all answered; ${counted(later)} times a call was told to come again later: the queue is bounded`);
    this.#expect(closed[0] === "ATL", "Atlanta matters most");

    const tooLong = await flights
      .worstClosures({ among: 305, together: 2 }, { timeoutMs: 200, waitForReady: true })
      .then(
        () => "OK",
        (error: unknown) => RpcError.from(error).code,
      );
    this.#line(`one that would take minutes ends at its deadline (${tooLong}), and its thread is free again`);
    this.#expect(tooLong === "DEADLINE_EXCEEDED", `a heavy call ends at its deadline, not with ${tooLong}`);
    this.#line("small calls meanwhile:");
    this.#report(callers.takeTally());
  }

  async #restart(served: Served, callers: Callers): Promise<void> {
    this.#headline("SIGHUP: all servers are replaced, one by one");
    const before = served.lines.length;
    served.process.kill("SIGHUP");
    await served.printed(/^restarted all/, before);
    this.#report(callers.takeTally());
  }

  async #killOne(served: Served, callers: Callers): Promise<void> {
    const pid = Number(
      /^process (\d+) listens/.exec(served.lines.findLast((line) => line.includes("listens")) ?? "")?.[1],
    );
    this.#headline(`SIGKILL to process ${pid}`);
    const before = served.lines.length;
    process.kill(pid, "SIGKILL");
    await served.printed(/takes its place/, before);
    this.#report(callers.takeTally());
  }

  async #callOn(served: Served, callers: Callers): Promise<void> {
    this.#headline(`kill -HUP ${served.process.pid} restarts them again; Ctrl-C ends`);
    for (;;) {
      await sleep(5_000, undefined, { signal: this.#options.signal });
      this.#report(callers.takeTally(), Infinity);
    }
  }

  /** What became of the small calls, of which no more than `mayBeLost` may have failed. */
  #report({ answers, unseen, repeated, lost }: Tally, mayBeLost = 0): void {
    for (const [server, count] of answers) this.#line(`${server.padEnd(16)} ${counted(count).padStart(9)} answered`);
    if (unseen > 0) this.#line(`not begun, and made again: ${counted(unseen)}`);
    if (repeated > 0) this.#line(`perhaps begun, and made again because they only read: ${counted(repeated)}`);
    this.#line(`failed: ${counted(lost.length)}`);
    this.#expect(answers.size > 0, "calls are answered");
    this.#expect(lost.length <= mayBeLost, `${lost.length} calls failed, for example with ${lost[0]}`);
  }

  #unlessInterrupted<T>(work: Promise<T>): Promise<T> {
    const interrupted = aborted(this.#options.signal).then(() => {
      throw new Error("interrupted");
    });
    return Promise.race([work, interrupted]);
  }

  #headline(text: string): void {
    if (!this.#options.signal.aborted) console.log(`\n${styleText("bold", text)}`);
  }

  #line(text: string): void {
    if (!this.#options.signal.aborted) console.log(`  ${text}`);
  }

  #expect(right: boolean, what: string): void {
    if (!right) this.#mistakes.push(what);
  }
}

function counted(count: number): string {
  return count.toLocaleString("en");
}
