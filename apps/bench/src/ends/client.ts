import type { BenchClient, Contender } from "../contender.ts";
import { loadContender } from "../contenders/index.ts";
import { obey } from "./commands.ts";
import { cpuUs } from "./cpu.ts";
import { holdCalls } from "./held-calls.ts";
import { openIdle } from "./idle-connections.ts";
import { LatencyWatch } from "./latency.ts";
import { keepInFlight, type Until } from "./load.ts";
import { measureMemory } from "./memory.ts";
import { SlowReader } from "./slow-reader.ts";
import { lanesOf, type Work } from "./work.ts";

/** What one load did, and what it cost this process. */
export interface Sample {
  readonly calls: number;
  readonly ms: number;
  readonly cpuUs: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
}

const clients: BenchClient[] = [];
let contender: Contender;
let port: number;
let reader: SlowReader | undefined;

/** The process of a client. */
const commands = {
  async prepare(source: string): Promise<void> {
    contender = await loadContender(source);
  },

  async connect(to: { port: number; connections: number }): Promise<void> {
    port = to.port;
    for (let i = 0; i < to.connections; i++) clients.push(await contender.connect(port));
  },

  /** Loads the connections; null when the contender cannot do this work. */
  async load({ work, until, latency }: { work: Work; until: Until; latency: boolean }): Promise<Sample | null> {
    const lanes = lanesOf(work, clients);
    if (lanes === undefined) return null;
    const watch = latency ? new LatencyWatch() : undefined;
    const cpuBefore = cpuUs();
    const load = await keepInFlight(watch ? lanes.map((lane) => watch.watched(lane)) : lanes, until);
    return { ...load, cpuUs: cpuUs() - cpuBefore, ...watch?.result() };
  },

  openIdle: (count: number) => openIdle(contender, port, count),

  /** False when the contender has no such call. */
  async hold(count: number): Promise<boolean> {
    const client = firstClient();
    if (client.hold === undefined) return false;
    await holdCalls(client, count);
    return true;
  },

  /** False when the contender has no such stream. */
  async startSlowReader(messages: number): Promise<boolean> {
    const stream = firstClient().stream?.(messages);
    if (stream === undefined) return false;
    reader = new SlowReader(stream);
    return true;
  },

  stopSlowReader: () => reader?.stop(),

  memory: measureMemory,
};

export type ClientCommands = typeof commands;

obey(commands);

function firstClient(): BenchClient {
  return clients[0] as BenchClient;
}
