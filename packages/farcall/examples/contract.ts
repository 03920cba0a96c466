// contract.ts: shared by both ends
import { failure, serverStream, service, unary } from "farcall";
import { z } from "zod";

export const DivisionByZero = failure("calculator.v1.DivisionByZero", { data: z.object({ dividend: z.number() }) });

export const Calculator = service("calculator.v1.Calculator", {
  divide: unary({
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ quotient: z.number() }),
    effect: "pure",
    errors: [DivisionByZero],
  }),
  count: serverStream({
    input: z.object({ to: z.int().positive() }),
    output: z.object({ n: z.int() }),
    effect: "pure",
  }),
});
