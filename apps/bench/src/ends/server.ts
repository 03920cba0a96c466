import { loadContender } from "../contenders/index.ts";
import { obey } from "./commands.ts";
import { cpuUs } from "./cpu.ts";
import { measureMemory } from "./memory.ts";

/** The process of a server. */
const commands = {
  async serve({ source, ...options }: { source: string; port: number; reusePort?: boolean }) {
    const { port } = await (await loadContender(source)).serve(options);
    return port;
  },
  cpuUs,
  memory: measureMemory,
};

export type ServerCommands = typeof commands;

obey(commands);
