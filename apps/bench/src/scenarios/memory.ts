import { setTimeout } from "node:timers/promises";
import type { Pair } from "../run/pair.ts";
import type { Column, Figures, Row } from "./scenario.ts";

/** So many that what a library prepares once is there, and its code is warm. */
const before = 100;

/** What `count` connections on which nothing happens keep in memory, each. */
export function idleConnectionsRow(count: number): Row {
  return {
    name: "idle",
    title: `one of ${count.toLocaleString("en-GB")} idle connections`,
    columns: columnsPer("connection"),
    fresh: true,
    openFiles: count,
    async round(pair) {
      await pair.openIdle(before);
      return growthPer(count, pair, () => pair.openIdle(count));
    },
  };
}

/** What `count` calls in flight keep in memory, each. */
export function heldCallsRow(count: number): Row {
  return {
    name: "held",
    title: `one of ${count.toLocaleString("en-GB")} calls in flight`,
    columns: columnsPer("call"),
    fresh: true,
    async round(pair) {
      if (!(await pair.hold(before))) return undefined;
      return growthPer(count, pair, () => pair.hold(count));
    },
  };
}

/** Far more than is read: who knows no back-pressure keeps them all. */
const slowMessages = 300_000;

/** What both ends keep of a long stream whose reader takes a message a millisecond. */
export function slowReaderRow(): Row {
  return {
    name: "slow-reader",
    title: "memory behind a slow reader",
    columns: [
      { key: "bytes", title: "KB, both ends", better: "less", unit: 1_000 },
      { key: "serverBytes", title: "server", better: "less", unit: 1_000 },
      { key: "clientBytes", title: "client", better: "less", unit: 1_000 },
      { key: "laterBytes", title: "more in as long again", better: "less", unit: 1_000 },
    ],
    fresh: true,
    async warmUp(pair, { roundMs }) {
      await pair.load({ kind: "iterate", messages: 10_000 }, { ms: roundMs });
    },
    async round(pair, { roundMs }) {
      const start = await pair.memory();
      if (!(await pair.startSlowReader(slowMessages))) return undefined;
      await setTimeout(roundMs);
      const middle = await pair.memory();
      await setTimeout(roundMs);
      const end = await pair.memory();
      const messages = (await pair.stopSlowReader()) ?? 0;
      return { ...growth(start, middle, 1), laterBytes: growth(middle, end, 1).bytes, messages };
    },
  };
}

function columnsPer(what: string): Column[] {
  return [
    { key: "bytes", title: `KB/${what}`, better: "less", unit: 1_000 },
    { key: "serverBytes", title: "server", better: "less", unit: 1_000 },
    { key: "clientBytes", title: "client", better: "less", unit: 1_000 },
  ];
}

type MemoryOfPair = Awaited<ReturnType<Pair["memory"]>>;

interface Growth extends Figures {
  /** Of both ends. */
  readonly bytes: number;
}

async function growthPer(count: number, pair: Pair, fill: () => Promise<unknown>): Promise<Growth> {
  const start = await pair.memory();
  await fill();
  return growth(start, await pair.memory(), count);
}

function growth(start: MemoryOfPair, end: MemoryOfPair, count: number): Growth {
  const serverBytes = (end.server.heapBytes - start.server.heapBytes) / count;
  const clientBytes = (end.client.heapBytes - start.client.heapBytes) / count;
  return {
    bytes: serverBytes + clientBytes,
    serverBytes,
    clientBytes,
    serverRssBytes: (end.server.rssBytes - start.server.rssBytes) / count,
    clientRssBytes: (end.client.rssBytes - start.client.rssBytes) / count,
  };
}
