import { readdirSync } from "node:fs";
import type { Contender } from "../contender.ts";

const atOnce = 32;

/**
 * Opens connections that nothing is called on.
 * @throws Error when the contender shares fewer connections between them.
 */
export async function openIdle({ name, connect }: Contender, port: number, count: number): Promise<void> {
  const before = openFiles();
  let opened = 0;
  const open = async (): Promise<void> => {
    while (opened++ < count) await connect(port);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, open));
  const sockets = openFiles() - before;
  if (sockets < count) throw new Error(`${name} opened ${sockets} connections instead of ${count}`);
}

// Node's own list of what is active leaves out sockets that don't keep the process alive.
function openFiles(): number {
  return readdirSync("/dev/fd").length;
}
