import { once } from "node:events";
import { tcpServer } from "farcall";
import { misused, readOptions } from "./command-line.ts";
import { aborted, interruption } from "./interruption.ts";
import { createTourServer } from "./tour-server.ts";

const usage = `node src/server.ts --port 7001      serves the tour's four services until it is interrupted

  --port <n>      port to listen on; 0 takes a free one
  --path <file>   Unix socket to listen on instead
  --explain       record what a client with --explain asks for`;

const { port, path, explain } = readOptions(usage, {
  port: { type: "string" },
  path: { type: "string" },
  explain: { type: "boolean", default: false },
});
if ((port === undefined) === (path === undefined)) misused("A server takes either --port or --path");
if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535)) misused(`"${port}" is not a port`);

const stop = interruption();
const orphaned = parentGone();

await using server = createTourServer({ explain });
try {
  const { address } = await server.listen(tcpServer(path === undefined ? { port: Number(port) } : { path }));
  if (process.send === undefined) console.log(`listening on ${address}; Ctrl-C ends it`);
  else process.send({ address }, () => {});
  await Promise.race([aborted(stop), orphaned]);
} catch (error) {
  console.error(`the server can't listen: ${(error as Error).message}`);
  process.exitCode = 1;
}
await server.close({ graceMs: 100 });
if (process.connected) process.disconnect();

/** Whoever forks this process holds the other end of its channel, which closes however that process ends. */
async function parentGone(): Promise<void> {
  if (process.send === undefined) return new Promise(() => {});
  if (process.connected) await once(process, "disconnect");
}
