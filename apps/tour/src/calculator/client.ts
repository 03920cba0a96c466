import type { Client } from "farcall";
import type { Guide } from "../guide.ts";
import { type Calculator, DivisionByZero } from "./contract.ts";

/** Calls that succeed, and the three ways in which one may fail: declared, invalid, too late. */
export async function tourCalculator(calculator: Client<typeof Calculator>, guide: Guide): Promise<void> {
  guide.headline("Calculator", "unary: one request, one response");
  const sum = await guide.shown(() => calculator.add({ a: 19, b: 23 }));
  guide.answer(sum, { total: 42 });

  guide.remark("A failure that the contract declares arrives with its type and data:");
  const error = await guide.fails(() => calculator.divide({ dividend: 1, divisor: 0 }));
  const data = await guide.shown(async () => DivisionByZero.is(error) && error.data);
  guide.answer(data, { dividend: 1 });

  guide.remark("What the contract doesn't allow never reaches the handler:");
  const invalid = await guide.fails(() => calculator.squareRoot({ of: -1 }));
  guide.expect("an invalid request is refused", invalid.code, "INVALID_ARGUMENT");

  guide.remark("A call ends at its deadline, here 200 ms, and its error explains where the time went:");
  const late = await guide.fails(() => calculator.ponder({ hours: 3 }, { timeoutMs: 200 }));
  guide.line(late.explanation);
  guide.expect("the deadline ends the call", late.code, "DEADLINE_EXCEEDED");
}
