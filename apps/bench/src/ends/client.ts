import type { BenchClient } from "../contender.ts";
import { loadContender } from "../contenders/index.ts";
import { obey } from "./commands.ts";
import { cpuUs } from "./cpu.ts";
import { LatencyWatch } from "./latency.ts";
import { keepInFlight, type Until } from "./load.ts";
import { measureMemory } from "./memory.ts";
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

/** The process of a client. */
const commands = {
  async connect({ contender, port, connections }: { contender: string; port: number; connections: number }) {
    const { connect } = await loadContender(contender);
    for (let i = 0; i < connections; i++) clients.push(await connect(port));
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

  memory: measureMemory,
};

export type ClientCommands = typeof commands;

obey(commands);
