import type { Contender } from "../contender.ts";

const atOnce = 32;

/**
 * Opens connections that nothing is called on.
 * @throws Error when the contender shares fewer connections between them.
 */
export async function openIdle({ name, connect }: Contender, port: number, count: number): Promise<void> {
  const before = openSockets();
  let opened = 0;
  const open = async (): Promise<void> => {
    while (opened++ < count) await connect(port);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, open));
  const sockets = openSockets() - before;
  if (sockets < count) throw new Error(`${name} opened ${sockets} connections instead of ${count}`);
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
}
