// One of the servers that `serve.ts` starts: in a process, in a process of node:cluster, or in a thread.
import { isMainThread, threadId } from "node:worker_threads";
import { createServer, tcpServer } from "farcall";
import { countOf, readOptions } from "./command-line.ts";
import { closuresPool } from "./flights/closures-pool.ts";
import { Flights } from "./flights/contract.ts";
import { flightsHandlers } from "./flights/handlers.ts";
import { readNetwork } from "./flights/network.ts";
import { supervision } from "./servers/supervision.ts";

const usage = `one of the servers that serve.ts starts; it is not started by hand`;

const options = readOptions(usage, {
  port: { type: "string", default: "0" },
  "reuse-port": { type: "boolean", default: false },
  "grace-ms": { type: "string", default: "10000" },
  "pool-threads": { type: "string", default: "1" },
  "pool-waiting": { type: "string", default: "4" },
});
const port = countOf("port", options.port, 0, 65_535);
const graceMs = countOf("grace-ms", options["grace-ms"], 0, 3_600_000);
const threads = countOf("pool-threads", options["pool-threads"], 1, 1_024);
const maxWaiting = countOf("pool-waiting", options["pool-waiting"], 0, 100_000);

const supervisor = supervision();
const name = isMainThread ? `process ${process.pid}` : `thread ${threadId}`;
const pool = closuresPool({ threads, maxWaiting });
const server = createServer();
server.add(Flights, flightsHandlers(readNetwork(), pool, name));
try {
  const { address } = await server.listen(tcpServer({ port, reusePort: options["reuse-port"] }));
  supervisor.listening(address);
  await supervisor.wantsEnd;
} catch (error) {
  console.error(`${name} can't listen: ${(error as Error).message}`);
  process.exitCode = 1;
}
await server.close({ graceMs });
await pool[Symbol.asyncDispose]();
supervisor.end();
