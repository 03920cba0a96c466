import type { Server } from "node:net";
import { setImmediate as turnOfTheLoop } from "node:timers/promises";

/**
 * Waits until a listening server has accepted the connections that the system has made for it already. Closing the
 * socket would reset them, although their clients believe to be connected. With `reusePort` others go on listening, so
 * that this is what a restart would cost.
 *
 * Node accepts one connection in each turn of the event loop. Where new ones come as fast, `most` of them are enough.
 */
export async function emptyAcceptQueue(server: Server, most: number): Promise<void> {
  let accepted = 0;
  const count = (): void => void accepted++;
  server.on("connection", count);
  // What is left of this turn may not look at the socket again.
  await turnOfTheLoop();
  for (let before = -1; before < accepted && accepted < most;) {
    before = accepted;
    await turnOfTheLoop();
  }
  server.off("connection", count);
}
