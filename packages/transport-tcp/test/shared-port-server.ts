// A server among others on one port, in a process (forked, or of node:cluster) or a thread; it says what happens to it.
import { existsSync } from "node:fs";
import { parentPort, threadId } from "node:worker_threads";
import { json } from "@farcall/codec/json";
import { createServer } from "@farcall/core";
import { tcpServer } from "../src/index.ts";
import { Who } from "./shared-port-contract.ts";

const options = JSON.parse(process.argv[2] as string) as { port?: number; path?: string; reusePort?: boolean };
const id = `${process.pid}.${threadId}`;
const tell = (message: unknown): void => {
  if (parentPort === null) process.send?.(message);
  else parentPort.postMessage(message);
};
const held = Promise.withResolvers<void>();

const server = createServer({ codecs: [json()] });
server.add(Who, {
  async answers({ later }) {
    if (later) {
      tell("holding");
      await held.promise;
    }
    return { id };
  },
});

const { address } = await server.listen(tcpServer(options));
async function drain(): Promise<void> {
  await server.close();
  if (parentPort === null) process.disconnect();
  else parentPort.close();
}

const told = (message: string): void => {
  if (message === "let go") held.resolve();
  if (message === "drain") void drain();
  if (message.startsWith("busy")) {
    tell("busy");
    while (!existsSync(message.slice("busy until ".length)));
  }
};
if (parentPort === null) process.on("message", told);
else parentPort.on("message", told);
tell({ address, id });
