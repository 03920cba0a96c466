import type { Work } from "../ends/work.ts";
import type { LoadOfPair, Pair } from "../run/pair.ts";
import type { Column, Durations, Figures, Row } from "./scenario.ts";

const callsPerSecond: Column = { key: "perSecond", title: "calls/s", better: "more" };
const cpuPerCall: Column = { key: "cpuUs", title: "CPU µs/call", better: "less" };

/** Calls of one kind, a number of them in flight. */
export function unaryRow(name: string, title: string, work: Work): Row {
  return {
    name,
    title,
    settles: true,
    columns: [callsPerSecond, cpuPerCall],
    warmUp: (pair, durations) => warmUp(pair, work, durations),
    async round(pair, { roundMs }) {
      const load = await pair.load(work, { ms: roundMs });
      return load && { perSecond: perSecond(load.calls, load.ms), ...cpuFigures(load, load.calls) };
    },
  };
}

/** One call at a time: how long each takes. */
export function latencyRow(name: string, title: string): Row {
  const work: Work = { kind: "add", inFlight: 1 };
  return {
    name,
    title,
    settles: true,
    columns: [
      { key: "p50Us", title: "p50 µs", better: "less" },
      { key: "p99Us", title: "p99 µs", better: "less" },
      cpuPerCall,
    ],
    warmUp: (pair, durations) => warmUp(pair, work, durations),
    async round(pair, { roundMs }) {
      const load = await pair.load(work, { ms: roundMs }, { latency: true });
      return load && { p50Us: load.p50Us as number, p99Us: load.p99Us as number, ...cpuFigures(load, load.calls) };
    },
  };
}

/** Large messages there and back; bytes are counted one way. */
export function echoRow(name: string, title: string, { bytes, inFlight }: { bytes: number; inFlight: number }): Row {
  const work: Work = { kind: "echo", inFlight, bytes };
  return {
    name,
    title,
    settles: true,
    columns: [
      { key: "megabytesPerSecond", title: "MB/s", better: "more" },
      { ...cpuPerCall, title: "CPU ms/call", key: "cpuMs" },
    ],
    // A few of them are warm enough.
    warmUp: (pair, durations) =>
      warmUp(pair, work, { ...durations, warmUp: { ...durations.warmUp, calls: 4 * inFlight } }),
    async round(pair, { roundMs }) {
      const load = await pair.load(work, { ms: roundMs });
      if (load === undefined) return undefined;
      const { cpuUs, ...rest } = cpuFigures(load, load.calls);
      return { megabytesPerSecond: perSecond(load.calls * bytes, load.ms) / 1e6, cpuMs: cpuUs / 1_000, ...rest };
    },
  };
}

async function warmUp(pair: Pair, work: Work, { warmUp: { ms, calls, maxMs } }: Durations): Promise<void> {
  await pair.load(work, { ms, calls, maxMs });
}

export function perSecond(count: number, ms: number): number {
  return (count / ms) * 1_000;
}

/** CPU time of both ends for each of `count` calls or messages, µs. */
export function cpuFigures({ cpuUs, serverCpuUs, ms }: LoadOfPair, count: number) {
  return {
    cpuUs: (cpuUs + serverCpuUs) / count,
    clientCpuUs: cpuUs / count,
    serverCpuUs: serverCpuUs / count,
    count,
    ms,
  } satisfies Figures;
}
