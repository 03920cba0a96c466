import type { CodecEvolution } from "@farcall/core/compliance";
import { z } from "zod";

const payment = { amount: "10.00", currency: "EUR" };
const before = z.object({ amount: z.string(), currency: z.string() });

/** One contract before and after a change, at either end of a call. */
const pairs: [name: string, after: z.ZodType, value: unknown][] = [
  [
    "a field added in the middle",
    z.object({ amount: z.string(), fee: z.string(), currency: z.string() }),
    { amount: "1", fee: "2", currency: "EUR" },
  ],
  [
    "an optional field added",
    z.object({ amount: z.string(), note: z.string().optional(), currency: z.string() }),
    { amount: "1", currency: "EUR" },
  ],
  ["a field renamed", z.object({ amount: z.string(), unit: z.string() }), { amount: "1", unit: "EUR" }],
  ["fields in another order", z.object({ currency: z.string(), amount: z.string() }), { currency: "EUR", amount: "1" }],
  ["a field removed", z.object({ amount: z.string() }), { amount: "1" }],
  ["nothing changed", z.object({ amount: z.string(), currency: z.string() }), payment],
];

export const evolutions: CodecEvolution[] = pairs.flatMap(([name, after, value]) => [
  { name: `${name}, old to new`, before, after, value: payment },
  { name: `${name}, new to old`, before: after, after: before, value },
]);
