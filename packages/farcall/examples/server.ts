// server.ts
import { createServer, tcpServer } from "farcall";
import { Calculator, DivisionByZero } from "./contract.ts";

const server = createServer();

server.add(Calculator, {
  divide({ a, b }) {
    if (b === 0) throw DivisionByZero({ dividend: a });
    return { quotient: a / b };
  },
  async *count({ to }) {
    for (let n = 1; n <= to; n++) yield { n };
  },
});

const { address } = await server.listen(tcpServer({ port: Number(process.env["PORT"] ?? 7001) }));
console.log(`listening on ${address}`);

process.once("SIGTERM", () => void server.close()); // what runs may finish; what comes is refused
