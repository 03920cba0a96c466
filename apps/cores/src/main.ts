import { availableParallelism } from "node:os";
import { countOf, oneOf, readOptions } from "./command-line.ts";
import { interruption } from "./interruption.ts";
import { modes } from "./servers/start-server.ts";
import { Show } from "./show.ts";

const usage = `npm run cores -- [options]      one port, all cores, restarted without a failed call

  --mode <name>       how servers share the port: ${modes.join(", ")}; default cluster
  --servers <n>       default: as many as the machine has cores, at least 2
  --connections <n>   connections of the client; default 8
  --in-flight <n>     calls open on each; default 64
  --once              ends after the show, instead of calling on until Ctrl-C`;

const options = readOptions(usage, {
  mode: { type: "string", default: "cluster" },
  servers: { type: "string", default: String(Math.max(availableParallelism(), 2)) },
  connections: { type: "string", default: "8" },
  "in-flight": { type: "string", default: "64" },
  once: { type: "boolean", default: false },
});

const show = new Show({
  mode: oneOf("mode", options.mode, modes),
  servers: countOf("servers", options.servers, 1, 1_024),
  connections: countOf("connections", options.connections, 1, 1_000),
  inFlight: countOf("in-flight", options["in-flight"], 1, 10_000),
  once: options.once,
  signal: interruption(),
});
process.exitCode = await show.run();
