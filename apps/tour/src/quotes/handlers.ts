import { setTimeout as sleep } from "node:timers/promises";
import type { Handlers } from "farcall";
import type { ServerLog } from "../server-log.ts";
import { readTable } from "../table.ts";
import type { Quotes } from "./contract.ts";

/** Monthly prices of five stocks, 2000 to 2010. */
export function quotesHandlers(log: ServerLog): Handlers<typeof Quotes> {
  const prices = readTable("stocks.csv", ["symbol", "date", "price"]);
  let lastToLeave = { symbol: "", quotes: 0 };

  return {
    // A generator: what it yields is sent, and no faster than the reader takes it.
    async *watch({ symbol, year, everyMs }, { signal }) {
      let quotes = 0;
      signal.addEventListener("abort", () => {
        lastToLeave = { symbol, quotes };
        log(`the reader of ${symbol} left after ${quotes} quotes; no more are made`);
      });
      for (const { date, price } of prices.filter((one) => one.symbol === symbol && one.date.endsWith(`${year}`))) {
        yield { month: date.slice(0, 3), price: Number(price) };
        quotes++;
        await sleep(everyMs, undefined, { signal });
      }
    },

    lastToLeave: () => lastToLeave,
  };
}
