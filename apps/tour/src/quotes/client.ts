import type { Client } from "farcall";
import type { Guide } from "../guide.ts";
import type { Quotes } from "./contract.ts";

const bars = "▁▂▃▄▅▆▇█";

/** Reads a stream to its end, and leaves another one early. */
export async function tourQuotes(quotes: Client<typeof Quotes>, guide: Guide): Promise<void> {
  const everyMs = guide.paceMs(100);
  const prices: number[] = [];
  function draw({ price }: { price: number }): void {
    prices.push(price);
    guide.write(bars[Math.min(bars.length - 1, Math.floor(price / 25))] as string);
  }

  guide.headline("Stock quotes", "server stream: one request, many responses");
  await guide.shown(async () => {
    for await (const quote of quotes.watch({ symbol: "AAPL", year: 2008, everyMs })) draw(quote);
  });
  guide.write(`  January ${prices.at(0)} to December ${prices.at(-1)}\n`);
  guide.expect("the year's quotes", [prices.length, prices.at(0), prices.at(-1)], [12, 135.36, 85.35]);

  guide.remark("Leaving the loop cancels the call, and the server hears of it:");
  const seen: number[] = [];
  await guide.shown(async () => {
    for await (const quote of quotes.watch({ symbol: "MSFT", year: 2008, everyMs: 100 })) {
      seen.push(quote.price);
      if (seen.length === 3) break;
    }
  });
  const left = await guide.shown(() => quotes.lastToLeave({}));
  guide.answer(left, { symbol: "MSFT", quotes: left.quotes });
  guide.expect("the server noticed before the end", left.quotes < 12, true);
}
