import { type ClientTransport, tcp } from "farcall";
import { codecNames } from "./codecs.ts";
import { misused, oneOf, readOptions } from "./command-line.ts";
import { interruption } from "./interruption.ts";
import { takeTour } from "./tour.ts";

const usage = `node src/client.ts --address 127.0.0.1:7001      takes the tour of a server that runs already

  --address <a>   host:port, or unix:/path
  --codec <name>  ${codecNames.join(", ")}; default cbor
  --once          don't wait for a human reader
  --explain       the nine steps of a call; the server needs --explain as well`;

const { address, codec, once, explain } = readOptions(usage, {
  address: { type: "string" },
  codec: { type: "string", default: "cbor" },
  once: { type: "boolean", default: false },
  explain: { type: "boolean", default: false },
});
const codecName = oneOf("codec", codec, codecNames);

await using transport = reach(address);
process.exitCode = await takeTour({ transport, codec: codecName, once, explain, signal: interruption() });

function reach(to: string | undefined): ClientTransport {
  if (to === undefined) misused("A client needs the --address of a server");
  try {
    return tcp(to);
  } catch (error) {
    return misused((error as Error).message);
  }
}
