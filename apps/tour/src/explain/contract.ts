import { service, unary } from "farcall";
import { z } from "zod";
import { Calculator } from "../calculator/contract.ts";

/** The method whose calls are followed. */
export const followed = Calculator.methods.add;

const moment = z.object({
  step: z.number(),
  atUs: z.number(),
  where: z.string(),
  text: z.string(),
  hex: z.string().optional(),
});

/** What the server saw of the call that is followed: asked for by another call, so that the first is like any other. */
export const Recording = service("tour.explain.v1.Recording", {
  take: unary({ input: z.object({}), output: z.object({ moments: z.array(moment) }) }),
});
