import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { countOf, oneOf, readOptions } from "./command-line.ts";
import { modes, serverStarter } from "./servers/start-server.ts";
import { Supervisor } from "./servers/supervisor.ts";

const usage = `node src/serve.ts --port 7001      several servers on one port, until SIGTERM or Ctrl-C

  --mode <name>       ${modes.join(", ")}; default cluster
  --servers <n>       default: as many as the machine has cores
  --port <n>          default 7001; 0 takes a free one
  --grace-ms <n>      time that calls have to end when a server drains; default 10000
  --pool-threads <n>  threads for heavy calls in each server; default 1
  --pool-waiting <n>  heavy calls that may wait for one of them; default 4

SIGHUP restarts the servers one by one.`;

const options = readOptions(usage, {
  mode: { type: "string", default: "cluster" },
  servers: { type: "string", default: String(availableParallelism()) },
  port: { type: "string", default: "7001" },
  "grace-ms": { type: "string", default: "10000" },
  "pool-threads": { type: "string", default: "1" },
  "pool-waiting": { type: "string", default: "4" },
});
const mode = oneOf("mode", options.mode, modes);
const count = countOf("servers", options.servers, 1, 1_024);
const port = countOf("port", options.port, 0, 65_535);
const graceMs = countOf("grace-ms", options["grace-ms"], 0, 3_600_000);
const poolThreads = countOf("pool-threads", options["pool-threads"], 1, 1_024);
const poolWaiting = countOf("pool-waiting", options["pool-waiting"], 0, 100_000);

const serverArgs = { "grace-ms": graceMs, "pool-threads": poolThreads, "pool-waiting": poolWaiting };
const start = serverStarter(
  mode,
  fileURLToPath(new URL("server.ts", import.meta.url)),
  Object.entries(serverArgs).flatMap(([option, value]) => [`--${option}`, String(value)]),
);
const supervisor = new Supervisor({ count, port, start, graceMs, log: (line) => console.log(line) });

let ending: Promise<void> | undefined;
const end = (): void => void (ending ??= stop());
process.on("SIGTERM", end);
process.on("SIGINT", end);
// Whoever started it is gone.
process.stdout.on("error", end);
if (process.connected) process.on("disconnect", end);
process.on("SIGHUP", () => void supervisor.restart());

try {
  const address = await supervisor.start();
  if (ending === undefined) console.log(`serving ${address} with ${count} servers (${mode}); process ${process.pid}`);
} catch (error) {
  if (ending === undefined) {
    console.error(`the servers can't start: ${(error as Error).message}`);
    process.exitCode = 1;
    end();
  }
}

async function stop(): Promise<void> {
  await supervisor.stop();
  if (process.connected) process.disconnect();
}
