import { cbor } from "@farcall/codec/cbor";
import { createClient, createServer, failure, serverStream, service, unary } from "@farcall/core";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { z } from "zod";

// The contract: shared by both ends.
export const InsufficientFunds = failure("bank.v1.InsufficientFunds", { data: z.object({ missing: z.number() }) });

export const Bank = service("bank.v1.Bank", {
  balance: unary({ input: z.string(), output: z.number(), effect: "pure" }),
  withdraw: unary({
    input: z.object({ account: z.string(), amount: z.number().positive() }),
    output: z.object({ left: z.number() }),
    errors: [InsufficientFunds],
  }),
  movements: serverStream({ input: z.string(), output: z.object({ at: z.date(), amount: z.number() }) }),
});

// The server.
const server = createServer({ codecs: [cbor()] });
let balance = 100;
server.add(Bank, {
  balance: () => balance,
  withdraw({ amount }) {
    if (amount > balance) throw InsufficientFunds({ missing: amount - balance });
    balance -= amount;
    return { left: balance };
  },
  async *movements() {
    yield { at: new Date(0), amount: 100 };
    yield { at: new Date(), amount: balance - 100 };
  },
});
const { address } = await server.listen(tcpServer({ port: 0 }));

// The client.
const transport = tcp(address);
const bank = createClient(Bank, { transport, codec: cbor() });

console.log(await bank.withdraw({ account: "ann", amount: 30 }, { timeoutMs: 500 })); // { left: 70 }
for await (const { amount } of bank.movements("ann")) console.log(amount); // 100 -30
try {
  await bank.withdraw({ account: "ann", amount: 80 });
} catch (error) {
  if (InsufficientFunds.is(error)) console.log(`${error.data.missing} too much`); // 10 too much
}

await transport.close();
await server.close();
