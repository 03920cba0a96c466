// A server in a process of its own: prints its address, answers until it is killed.
import { cbor } from "@farcall/codec/cbor";
import { createServer } from "@farcall/core";
import { tcpServer } from "@farcall/transport-tcp";
import { Shop, shop } from "./contract.ts";

const server = createServer({ codecs: [cbor()] });
server.add(Shop, shop());
const { address } = await server.listen(tcpServer({ port: Number(process.argv[2]) }));
console.log(address);
process.once("SIGTERM", () => void server.close({ graceMs: 5000 }));
