import { z } from "zod";
import { benchContract } from "./farcall.ts";
import { orderSchema } from "./order-schema.ts";

/** The contract with zod, as in Farcall's README. */
export const zodContract = benchContract({
  pair: z.object({ a: z.number(), b: z.number() }),
  total: z.object({ total: z.number() }),
  order: orderSchema,
  to: z.object({ to: z.int() }),
  n: z.object({ n: z.int() }),
  bytes: z.instanceof(Uint8Array<ArrayBufferLike>),
  nothing: z.null(),
});
