import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer, RpcError, service, type, unary } from "@farcall/core";
import { retry } from "@farcall/retry-policy";
import { memory } from "@farcall/transport-memory";

const Stock = service("shop.v1.Stock", {
  // `effect` says what repeating the method does, and with it what may be sent again.
  count: unary({ input: type<string>(), output: type<number>(), effect: "pure" }),
});

// A server that is not quite there yet when the first two attempts come.
const link = memory();
const server = createServer({ codecs: [cbor()] });
server.add(Stock, {
  count(item, { attempt }) {
    if (attempt < 3) throw new RpcError("UNAVAILABLE", "warming up");
    return item.length;
  },
});
await server.listen(link.server);

const stock = createClient(Stock, {
  transport: link.client,
  codec: cbor(),
  use: [retry({ onAttempt: ({ attempt, code, next }) => console.log(`attempt ${attempt}: ${code}, then ${next}`) })],
});
console.log(await stock.count("books")); // 5

await link.client.close();
await server.close();
