import { failure, service, unary } from "farcall";
import { z } from "zod";

/** A failure that callers can tell from any other, with data of its own. */
export const DivisionByZero = failure("tour.calculator.v1.DivisionByZero", {
  data: z.object({ dividend: z.number() }),
});

/** Unary: one request, one response. */
export const Calculator = service("tour.calculator.v1.Calculator", {
  add: unary({
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.object({ total: z.number() }),
    effect: "pure",
  }),
  divide: unary({
    input: z.object({ dividend: z.number(), divisor: z.number() }),
    output: z.object({ quotient: z.number() }),
    errors: [DivisionByZero],
    effect: "pure",
  }),
  squareRoot: unary({
    input: z.object({ of: z.number().nonnegative() }),
    output: z.object({ root: z.number() }),
    effect: "pure",
  }),
  /** Takes its time. */
  ponder: unary({
    input: z.object({ hours: z.number().positive().max(24) }),
    output: z.object({ answer: z.number() }),
    effect: "pure",
  }),
});
