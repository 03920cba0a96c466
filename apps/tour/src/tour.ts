import { type ClientTransport, createClient } from "farcall";
import { tourCalculator } from "./calculator/client.ts";
import { Calculator } from "./calculator/contract.ts";
import { tourChat } from "./chat/client.ts";
import { Chat } from "./chat/contract.ts";
import { codecs } from "./codecs.ts";
import { explainCall } from "./explain/explain-call.ts";
import { Guide } from "./guide.ts";
import { aborted } from "./interruption.ts";
import { tourQuotes } from "./quotes/client.ts";
import { Quotes } from "./quotes/contract.ts";
import { tourWeather } from "./weather/client.ts";
import { Weather } from "./weather/contract.ts";

export interface TourOptions {
  readonly transport: ClientTransport;
  readonly codec: keyof typeof codecs;
  readonly once: boolean;
  readonly explain: boolean;
  readonly signal: AbortSignal;
}

/** Calls all four services over one transport. Resolves to the exit status: 0 when every answer was as expected. */
export async function takeTour({ transport, codec, once, explain, signal }: TourOptions): Promise<number> {
  const guide = new Guide({ once, signal });
  const options = { transport, codec: codecs[codec] };

  async function take(): Promise<void> {
    await tourCalculator(createClient(Calculator, options), guide);
    await tourQuotes(createClient(Quotes, options), guide);
    await tourWeather(createClient(Weather, options), guide);
    await tourChat(createClient(Chat, options), guide);
    if (explain) await explainCall(transport.address, codecs[codec], guide);
  }

  try {
    await Promise.race([take(), aborted(signal)]);
  } catch (error) {
    if (!signal.aborted) guide.mistakes.push(String(error));
  }
  if (signal.aborted) return signal.reason as number;
  for (const mistake of guide.mistakes) console.error(`\nThe tour went wrong: ${mistake}`);
  if (guide.mistakes.length === 0) guide.farewell();
  return guide.mistakes.length === 0 ? 0 : 1;
}
