import { createServer } from "@farcall/core";
import { expect, test } from "vitest";
import { type Connection, type ConnectionEvents, type Listener, wireServer } from "../src/index.ts";
import { json } from "./rig/json-codec.ts";
import { turns, until } from "./rig/until.ts";

/** A connection whose peer says nothing, and that is over when the test says so. */
class Silent implements Connection {
  readonly peer = { address: "silent", transport: "test" };
  closing = false;
  #events: ConnectionEvents | undefined;

  open(events: ConnectionEvents): void {
    this.#events = events;
  }
  write(): boolean {
    return true;
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.closing = true;
  }
  destroy(): void {
    this.closing = true;
  }
  over(): void {
    this.#events?.closed(undefined);
  }
}

test("draining tells a connection that comes while the listener closes, and waits for its end", async () => {
  const closed = Promise.withResolvers<void>();
  let accept: (connection: Connection) => void = () => {};
  const listener: Listener = {
    listen: async (accepts) => {
      accept = accepts;
      return { address: "slow", close: () => closed.promise };
    },
  };
  const listening = await createServer({ codecs: [json()] }).listen(wireServer(listener));
  const early = new Silent();
  accept(early);
  let drained = false;
  const draining = listening.drain().then(() => (drained = true));
  await until(() => early.closing, "the early connection is told to go");
  early.over();

  const late = new Silent();
  accept(late);
  await until(() => late.closing, "the late connection is told to go");
  closed.resolve();
  await turns();
  expect(drained).toBe(false);
  late.over();
  await draining;
});
