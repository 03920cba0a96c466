import { bidiStream, service } from "farcall";
import { z } from "zod";

/** Bidirectional: a stream each way, independent of one another. */
export const Chat = service("tour.chat.v1.Chat", {
  talk: bidiStream({ input: z.string().max(200), output: z.string() }),
});
