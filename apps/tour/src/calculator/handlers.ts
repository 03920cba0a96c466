import { setTimeout as sleep } from "node:timers/promises";
import type { Handlers } from "farcall";
import { type Calculator, DivisionByZero } from "./contract.ts";

/** What runs on the server. Requests have been validated by the contract before they come here. */
export const calculatorHandlers: Handlers<typeof Calculator> = {
  add: ({ a, b }) => ({ total: a + b }),

  divide({ dividend, divisor }) {
    if (divisor === 0) throw DivisionByZero({ dividend }, `${dividend} cannot be divided by zero`);
    return { quotient: dividend / divisor };
  },

  squareRoot: ({ of }) => ({ root: Math.sqrt(of) }),

  async ponder({ hours }, { signal }) {
    // The signal aborts when nobody waits for the answer any more, so no work goes on for nobody.
    await sleep(hours * 3_600_000, undefined, { signal });
    return { answer: 42 };
  },
};
