import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory } from "@farcall/transport-memory";
import { tcp } from "farcall";
import { codecNames } from "./codecs.ts";
import { misused, oneOf, readOptions } from "./command-line.ts";
import { interruption } from "./interruption.ts";
import { startServer } from "./server-process.ts";
import { createTourServer } from "./tour-server.ts";
import { takeTour } from "./tour.ts";

const usage = `npm start -- [options]      a tour of Farcall: four services, one for each kind of call

  --transport <name>  tcp, unix, memory; default tcp
  --codec <name>      ${codecNames.join(", ")}; default cbor
  --once              don't wait for a human reader
  --explain           also follow one call through its nine steps`;

const values = readOptions(usage, {
  transport: { type: "string", default: "tcp" },
  codec: { type: "string", default: "cbor" },
  once: { type: "boolean", default: false },
  explain: { type: "boolean", default: false },
});
const transportName = oneOf("transport", values.transport, ["tcp", "unix", "memory"]);
const codec = oneOf("codec", values.codec, codecNames);
const { once, explain } = values;
if (explain && transportName === "memory") misused("--explain shows bytes between processes, and memory has only one");

const signal = interruption();
const status = await (transportName === "memory" ? tourInOneProcess() : tourInTwoProcesses()).catch((error: Error) => {
  if (!signal.aborted) console.error(error.message);
  return signal.aborted ? (signal.reason as number) : 1;
});
// Whoever interrupts the tour doesn't wait for its pauses; else nothing is left that would keep the process.
if (signal.aborted) process.exit(status);
process.exitCode = status;

async function tourInTwoProcesses(): Promise<number> {
  const path = join(tmpdir(), `farcall-tour-${randomUUID().slice(0, 8)}.sock`);
  const where = transportName === "unix" ? ["--path", path] : ["--port", "0"];
  const server = await startServer(explain ? [...where, "--explain"] : where);
  try {
    console.log(`Farcall. The server is process ${server.pid}, at ${server.address}; this is process ${process.pid}.`);
    console.log(`Messages travel as ${codec}.`);
    await using transport = tcp(server.address);
    return await takeTour({ transport, codec, once, explain, signal });
  } finally {
    await server.stop();
  }
}

async function tourInOneProcess(): Promise<number> {
  console.log("Farcall. Memory is a transport within one process: client and server are both here.");
  console.log(`Messages travel as ${codec}, in the same frames as over a network.`);
  const ends = memory();
  await using server = createTourServer({ explain });
  await server.listen(ends.server);
  await using transport = ends.client;
  return await takeTour({ transport, codec, once, explain, signal });
}
