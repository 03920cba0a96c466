// A server in a process of its own: prints its address, then the number of each parcel that it ships. It drains on SIGTERM.
import { drainOnSignal, Health, health } from "@farcall/services";
import { createServer, tcpServer } from "farcall";
import { Depot, depot } from "./depot.ts";

const [name = "", port = "0"] = process.argv.slice(2);
const state = health();
const handlers = depot(name, (parcel) => console.log(parcel));
const server = createServer().add(Depot, handlers).add(Health, state.handlers);
const { address } = await server.listen(tcpServer({ port: Number(port) }));
// No notice: what is in flight when it begins to drain is refused.
drainOnSignal(server, { health: state, graceMs: 20_000 });
console.log(address);
