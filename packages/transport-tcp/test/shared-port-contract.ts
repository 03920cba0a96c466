import { service, unary } from "@farcall/core";
import { z } from "zod";

export const Who = service("test.v1.Who", {
  /** Which server answers; `later`, not before it is told to let go. */
  answers: unary({ input: z.object({ later: z.boolean() }), output: z.object({ id: z.string() }), effect: "pure" }),
});
