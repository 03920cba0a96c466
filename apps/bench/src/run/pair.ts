import type { ClientCommands, Sample } from "../ends/client.ts";
import type { Until } from "../ends/load.ts";
import type { Memory } from "../ends/memory.ts";
import type { ServerCommands } from "../ends/server.ts";
import type { Work } from "../ends/work.ts";
import { EndProcess } from "./end-process.ts";
import type { Pinning } from "./pinning.ts";

export interface PairOptions {
  /** Connections over which a load is spread. Default 1. */
  readonly connections?: number;
}

/** Where processes run, and what ends them all. */
export interface Surroundings {
  readonly pinning: Pinning | undefined;
  readonly signal: AbortSignal;
}

/** A load as both ends saw it. CPU in µs. */
export interface LoadOfPair extends Sample {
  readonly serverCpuUs: number;
}

const startTimeoutMs = 30_000;
const askTimeoutMs = 10_000;

/** One contender's server and client, each in a process of its own. */
export class Pair {
  readonly contender: string;
  readonly #server: EndProcess<ServerCommands>;
  readonly #client: EndProcess<ClientCommands>;

  private constructor(contender: string, { pinning, signal }: Surroundings) {
    this.contender = contender;
    this.#server = new EndProcess("server", { core: pinning?.server, signal });
    this.#client = new EndProcess("client", { core: pinning?.client, signal });
  }

  /** Starts both and connects them. */
  static async start(contender: string, around: Surroundings, { connections = 1 }: PairOptions = {}): Promise<Pair> {
    const pair = new Pair(contender, around);
    try {
      const port = await pair.#server.ask("serve", { contender, port: 0 }, startTimeoutMs);
      await pair.#together(pair.#client.ask("connect", { contender, port, connections }, startTimeoutMs));
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  /** Loads the pair; undefined when the contender cannot do this work. */
  async load(work: Work, until: Until, { latency = false } = {}): Promise<LoadOfPair | undefined> {
    const before = await this.#server.ask("cpuUs", null, askTimeoutMs);
    const timeoutMs = (until.maxMs ?? until.ms) + 30_000;
    const sample = await this.#together(this.#client.ask("load", { work, until, latency }, timeoutMs));
    if (sample === null) return undefined;
    const serverCpuUs = (await this.#server.ask("cpuUs", null, askTimeoutMs)) - before;
    return { ...sample, serverCpuUs };
  }

  async memory(): Promise<{ server: Memory; client: Memory }> {
    const server = await this.#server.ask("memory", null, askTimeoutMs);
    return { server, client: await this.#client.ask("memory", null, askTimeoutMs) };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#client.stop(), this.#server.stop()]);
  }

  /** What the client does fails at once when its server dies, whether or not its library notices. */
  #together<T>(asked: Promise<T>): Promise<T> {
    return Promise.race([asked, this.#server.death]);
  }
}
