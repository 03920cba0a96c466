import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer, service, unary } from "@farcall/core";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { z } from "zod";

const Calculator = service("calculator.v1.Calculator", {
  add: unary({ input: z.object({ a: z.number(), b: z.number() }), output: z.object({ total: z.number() }) }),
});

const server = createServer({ codecs: [cbor()] });
server.add(Calculator, { add: ({ a, b }) => ({ total: a + b }) });
const { address } = await server.listen(tcpServer({ port: 0 })); // any free one, for example 127.0.0.1:43117

const transport = tcp(address);
const calculator = createClient(Calculator, { transport, codec: cbor() });
console.log(await calculator.add({ a: 1, b: 2 })); // { total: 3 }

await transport.close();
await server.close();
