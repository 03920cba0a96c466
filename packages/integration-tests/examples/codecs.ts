import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { createClient, createServer, service, type, unary } from "@farcall/core";
import { memory } from "@farcall/transport-memory";

const Echo = service("echo.v1.Echo", { echo: unary({ input: type<unknown>(), output: type<unknown>() }) });

const link = memory();
const server = createServer({ codecs: [cbor(), json()] }); // each client chooses one of them by name
server.add(Echo, { echo: (value) => value });
await server.listen(link.server);

const client = createClient(Echo, { transport: link.client, codec: cbor() });
console.log(await client.echo({ big: 12n, at: new Date(0) })); // { big: 12n, at: 1970-01-01T00:00:00.000Z }

await link.client.close();
await server.close();
