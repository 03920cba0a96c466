import { threadId } from "node:worker_threads";
import { type Network, readNetwork } from "./network.ts";

export interface ClosuresTask {
  readonly among: number;
  readonly together: 1 | 2;
  readonly top: number;
}

export interface Closures {
  readonly closures: { closed: string[]; pairsCutOff: number }[];
  readonly computedBy: string;
}

const network = readNetwork();
/** Where one gets to from each airport while all are open. */
const journeys = network.airports.map((_, from) => reachable(network, from, []));

/** Runs in a thread of the pool: plain code that never waits. The pool ends the thread when nobody wants the result. */
export default function worstClosures({ among, together, top }: ClosuresTask): Closures {
  const closures = choices(Math.min(among, network.airports.length), together).map((closed) => ({
    closed: closed.map((airport) => network.airports[airport] as string),
    pairsCutOff: cutOff(closed),
  }));
  closures.sort((a, b) => b.pairsCutOff - a.pairsCutOff);
  return { closures: closures.slice(0, top), computedBy: `thread ${threadId} of process ${process.pid}` };
}

/** Journeys between two open airports that are no longer possible. */
function cutOff(closed: readonly number[]): number {
  let pairs = 0;
  journeys.forEach((before, from) => {
    if (closed.includes(from)) return;
    const closedEnds = closed.filter((airport) => before.includes(airport)).length;
    pairs += before.length - closedEnds - reachable(network, from, closed).length;
  });
  return pairs;
}

/** The airports that can be flown to from one, with any number of stops. */
function reachable({ destinations }: Network, from: number, closed: readonly number[]): number[] {
  if (closed.includes(from)) return [];
  const seen = new Uint8Array(destinations.length);
  for (const airport of closed) seen[airport] = 1;
  seen[from] = 1;
  const found = [from];
  for (let next = 0; next < found.length; next++) {
    for (const airport of destinations[found[next] as number] as readonly number[]) {
      if (seen[airport] === 1) continue;
      seen[airport] = 1;
      found.push(airport);
    }
  }
  return found.slice(1);
}

function choices(of: number, together: 1 | 2): number[][] {
  const all = Array.from({ length: of }, (_, airport) => [airport]);
  return together === 1
    ? all
    : all.flatMap(([a]) => all.slice((a as number) + 1).map(([b]) => [a as number, b as number]));
}
