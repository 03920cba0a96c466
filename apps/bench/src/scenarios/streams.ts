import type { Pair } from "../run/pair.ts";
import type { Row } from "./scenario.ts";
import { cpuFigures, perSecond } from "./unary.ts";

const mostMessages = 10_000_000;

/** One server stream after the other, each long enough that its beginning doesn't count. */
export function streamRow(kind: "iterate" | "push", title: string): Row {
  const messagesOf = new WeakMap<Pair, number>();
  return {
    name: kind,
    title,
    settles: true,
    columns: [
      { key: "perSecond", title: "messages/s", better: "more" },
      { key: "cpuUs", title: "CPU µs/message", better: "less" },
    ],
    async warmUp(pair, { roundMs, warmUp: { ms } }) {
      let messages = 1_000;
      for (const end = performance.now() + ms; performance.now() < end;) {
        const load = await pair.load({ kind, messages }, { ms: 1 });
        if (load === undefined) return;
        const streamMs = load.ms / load.calls;
        if (streamMs < roundMs / 4) messages = Math.min(mostMessages, messages * 2);
        else if (streamMs > roundMs / 2) messages = Math.ceil(messages / 2);
      }
      messagesOf.set(pair, messages);
    },
    async round(pair, { roundMs }) {
      const messages = messagesOf.get(pair);
      if (messages === undefined) return undefined;
      const load = await pair.load({ kind, messages }, { ms: roundMs });
      if (load === undefined) return undefined;
      const count = load.calls * messages;
      return { perSecond: perSecond(count, load.ms), ...cpuFigures(load, count) };
    },
  };
}
