// A server in a process of its own: prints its address, answers until it is told to stop.
import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { createServer } from "@farcall/core";
import { drainOnSignal, Health, health } from "@farcall/services";
import { tcpServer } from "@farcall/transport-tcp";
import { Who, who } from "./contract.ts";

const [name = "", port = "0"] = process.argv.slice(2);
const state = health();
const { handlers } = who(name);
const slow = { ...handlers, name: () => new Promise<string>((resolve) => setTimeout(resolve, 2, name)) };
const server = createServer({ codecs: [cbor(), json()] })
  .add(Who, slow)
  .add(Health, state.handlers);
const { address } = await server.listen(tcpServer({ port: Number(port) }));
drainOnSignal(server, { health: state, noticeMs: 100, graceMs: 30_000 });
console.log(address);
