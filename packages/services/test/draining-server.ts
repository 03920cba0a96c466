// A server in a process of its own that drains when it is asked to stop. Prints its address, then what happens.
import { json } from "@farcall/codec/json";
import { createServer } from "@farcall/core";
import { tcpServer } from "@farcall/transport-tcp";
import { drainOnSignal, Health, health } from "../src/index.ts";
import { Sleeper, sleeper } from "./sleeper.ts";

const state = health();
const server = createServer({ codecs: [json()] })
  .add(Health, state.handlers)
  .add(Sleeper, sleeper());
const { address } = await server.listen(tcpServer({ port: 0 }));
drainOnSignal(server, {
  health: state,
  graceMs: 60_000,
  onSignal: (signal) => console.log(signal),
  afterClose: () => console.log("closed"),
});
console.log(address);
