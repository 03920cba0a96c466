import type { PairOptions } from "../run/pair.ts";
import type { Row } from "./scenario.ts";
import { unaryRow } from "./unary.ts";

const work = { kind: "add", inFlight: 64 } as const;

/** Small calls on one connection, beside many others on which nothing happens. */
export function besideConnections(count: number): Row {
  const name = `${count}-connections`;
  const title = `64 in flight, ${count.toLocaleString("en-GB")} idle connections beside`;
  return { ...unaryRow(name, title, work), ...besides({ idleConnections: count }), openFiles: count };
}

/** Small calls on a connection on which many others stay open. */
export function besideCalls(count: number): Row {
  const name = `${count}-calls`;
  const title = `64 in flight, ${count.toLocaleString("en-GB")} held calls beside`;
  return { ...unaryRow(name, title, work), ...besides({ heldCalls: count }) };
}

/** Small calls over many connections to some server processes on one port. */
export function serverProcesses(servers: number): Row {
  const title = `512 in flight on 16 connections to ${servers} server process${servers > 1 ? "es" : ""}`;
  return {
    ...unaryRow(`${servers}-servers`, title, { kind: "add", inFlight: 512 }),
    pair: { servers, connections: 16 },
  };
}

function besides(options: PairOptions): { pair: PairOptions } {
  return { pair: options };
}
