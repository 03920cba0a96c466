import type { ClientCommands, Sample } from "../ends/client.ts";
import type { Until } from "../ends/load.ts";
import type { Memory } from "../ends/memory.ts";
import type { ServerCommands } from "../ends/server.ts";
import type { Work } from "../ends/work.ts";
import { EndProcess } from "./end-process.ts";
import type { Pinning } from "./pinning.ts";

export interface PairOptions {
  /** Server processes on one port. Default 1. */
  readonly servers?: number;
  /** Connections over which a load is spread. Default 1. */
  readonly connections?: number;
  /** Connections beside them on which nothing happens. Default none. */
  readonly idleConnections?: number;
  /** Calls that stay open on the first connection. Default none. */
  readonly heldCalls?: number;
}

/** Where processes run, and what ends them all. */
export interface Surroundings {
  readonly pinning: Pinning | undefined;
  readonly signal: AbortSignal;
}

/** A load as both ends saw it. CPU in µs. */
export interface LoadOfPair extends Sample {
  readonly serverCpuUs: number;
  /** Of each server process. */
  readonly serversCpuUs: readonly number[];
}

const startTimeoutMs = 30_000;
const askTimeoutMs = 10_000;
/** A process that is busy with a stream answers when it is through. */
const memoryTimeoutMs = 60_000;
/** For opening ten thousand connections, or a hundred thousand calls. */
const fillTimeoutMs = 120_000;

/** One contender's server and client, each in a process of its own. */
export class Pair {
  /** Where the contender comes from: its name, or a file. */
  readonly source: string;
  readonly around: Surroundings;
  readonly #servers: readonly EndProcess<ServerCommands>[];
  readonly #client: EndProcess<ClientCommands>;
  #port = 0;

  private constructor(source: string, around: Surroundings, servers: number) {
    const { pinning, signal } = around;
    this.source = source;
    this.around = around;
    this.#servers = Array.from({ length: servers }, (_, i) => {
      return new EndProcess("server", { core: pinning?.servers[i % pinning.servers.length], signal });
    });
    this.#client = new EndProcess("client", { core: pinning?.client, signal });
  }

  /** Starts all processes and connects them. Undefined when the contender cannot hold calls, and shall. */
  static async start(source: string, around: Surroundings, options: PairOptions = {}): Promise<Pair | undefined> {
    const { servers = 1, connections = 1, idleConnections = 0, heldCalls = 0 } = options;
    const pair = new Pair(source, around, servers);
    try {
      // The client reads its libraries while the servers read theirs.
      const prepared = pair.#client.ask("prepare", source, startTimeoutMs);
      prepared.catch(() => {});
      for (const server of pair.#servers) {
        const where = { source, port: pair.#port, ...(servers > 1 && { reusePort: true }) };
        pair.#port = await server.ask("serve", where, startTimeoutMs);
      }
      await prepared;
      await pair.#together(pair.#client.ask("connect", { port: pair.#port, connections }, startTimeoutMs));
      if (idleConnections > 0) await pair.openIdle(idleConnections);
      if (heldCalls === 0 || (await pair.hold(heldCalls))) return pair;
      await pair.stop();
      return undefined;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  /** Loads the pair; undefined when the contender cannot do this work. */
  async load(work: Work, until: Until, { latency = false } = {}): Promise<LoadOfPair | undefined> {
    const before = await this.#serversCpuUs();
    const timeoutMs = (until.maxMs ?? until.ms) + 30_000;
    const sample = await this.#together(this.#client.ask("load", { work, until, latency }, timeoutMs));
    if (sample === null) return undefined;
    const after = await this.#serversCpuUs();
    const serversCpuUs = after.map((us, i) => us - (before[i] as number));
    return { ...sample, serversCpuUs, serverCpuUs: serversCpuUs.reduce((sum, us) => sum + us, 0) };
  }

  openIdle(count: number): Promise<void> {
    return this.#together(this.#client.ask("openIdle", count, fillTimeoutMs));
  }

  /** False when the contender has no such call. */
  hold(count: number): Promise<boolean> {
    return this.#together(this.#client.ask("hold", count, fillTimeoutMs));
  }

  /** False when the contender has no such stream. */
  startSlowReader(messages: number): Promise<boolean> {
    return this.#together(this.#client.ask("startSlowReader", messages, askTimeoutMs));
  }

  /** Resolves to how many messages were read. */
  stopSlowReader(): Promise<number | undefined> {
    return this.#together(this.#client.ask("stopSlowReader", null, askTimeoutMs));
  }

  /** The memory of the client and of the first server. */
  async memory(): Promise<{ server: Memory; client: Memory }> {
    const [server] = this.#servers as [EndProcess<ServerCommands>];
    return {
      server: await server.ask("memory", null, memoryTimeoutMs),
      client: await this.#client.ask("memory", null, memoryTimeoutMs),
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#client, ...this.#servers].map((end) => end.stop()));
  }

  #serversCpuUs(): Promise<number[]> {
    return Promise.all(this.#servers.map((server) => server.ask("cpuUs", null, askTimeoutMs)));
  }

  /** What the client does fails at once when a server dies, whether or not its library notices. */
  #together<T>(asked: Promise<T>): Promise<T> {
    return Promise.race([asked, ...this.#servers.map(({ death }) => death)]);
  }
}
