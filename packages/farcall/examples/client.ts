// client.ts
import { createClient, tcp } from "farcall";
import { Calculator, DivisionByZero } from "./contract.ts";

const transport = tcp(process.env["ADDRESS"] ?? "127.0.0.1:7001");
const calculator = createClient(Calculator, { transport });

const { quotient } = await calculator.divide({ a: 84, b: 2 }, { timeoutMs: 500 });
console.log(quotient); // 42

for await (const { n } of calculator.count({ to: 3 })) console.log(n); // 1 2 3

try {
  await calculator.divide({ a: 1, b: 0 });
} catch (error) {
  if (DivisionByZero.is(error)) console.log(`cannot divide ${error.data.dividend} by zero`);
}

await transport.close(); // an open connection keeps the process alive
