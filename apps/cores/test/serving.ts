import { afterEach } from "vitest";
import { Callers, type CallersOptions } from "../src/callers/callers.ts";
import { Served } from "../src/served.ts";
import type { Mode } from "../src/servers/start-server.ts";

const all: { end(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of all.splice(0).reverse()) await one.end();
});

/** Servers on one port, as `serve.ts` starts them; they end with the test. */
export async function serve(mode: Mode, servers: number) {
  const served = new Served(["--mode", mode, "--servers", String(servers), "--port", "0"], () => {});
  all.push({
    end() {
      served.process.kill("SIGKILL");
      return served.ended;
    },
  });
  const [, address = ""] = await served.printed(/^serving (\S+)/);
  return { served, address };
}

/** Callers that end with the test. */
export function call(options: CallersOptions): Callers {
  const callers = new Callers(options);
  all.push({ end: () => callers.stop() });
  return callers;
}

/** The processes that a line of the servers' output begins with and that are left. */
export function processesLeft({ lines }: Served): number[] {
  const pids = lines.flatMap((line) => /^process (\d+) listens/.exec(line)?.[1] ?? []).map(Number);
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}
