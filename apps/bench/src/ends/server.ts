import { loadContender } from "../contenders/index.ts";
import { obey } from "./commands.ts";
import { cpuUs } from "./cpu.ts";
import { measureMemory } from "./memory.ts";

/** The process of a server. */
const commands = {
  async serve({ contender, ...options }: { contender: string; port: number; reusePort?: boolean }) {
    const { port } = await (await loadContender(contender)).serve(options);
    return port;
  },
  cpuUs,
  memory: measureMemory,
};

export type ServerCommands = typeof commands;

obey(commands);
