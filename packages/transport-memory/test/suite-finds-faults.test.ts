import type { Connection, ConnectionEvents } from "@farcall/wire";
import { connectionCompliance } from "@farcall/wire/compliance";
import { expect, test } from "vitest";
import { memoryLink } from "../src/memory-link.ts";

/** Ways to break the contract, each with a test of the suite that has to notice. */
const faults: Record<
  string,
  { noticedBy: RegExp; saying: RegExp; break(inner: Connection, events?: ConnectionEvents): Partial<Connection> }
> = {
  "write keeps memory that it gave back": {
    noticedBy: /leaves the sender's memory alone/,
    saying: /is wrong/,
    break: (inner) => ({ write: (chunk) => (setTimeout(() => inner.write(chunk), 0), true) }),
  },
  "write takes whatever it gets": {
    noticedBy: /a reader that pauses stops the writer/,
    saying: /were taken although|drained came/,
    break: (inner) => ({ write: (chunk) => (inner.write(chunk), true) }),
  },
  "pause does nothing": {
    noticedBy: /a reader that pauses stops the writer/,
    saying: /while paused/,
    break: () => ({ pause() {} }),
  },
  "close throws away what was written": {
    noticedBy: /close lets everything written arrive/,
    saying: /closed with|lost/,
    break: (inner) => ({ close: () => inner.destroy() }),
  },
  "closed comes twice": {
    noticedBy: /both ends may close/,
    saying: /closed came after closed/,
    break: (inner) => ({
      open: (events) => inner.open({ ...wrapped(events), closed: (e) => (events.closed(e), events.closed(e)) }),
    }),
  },
  "closed comes from inside destroy": {
    noticedBy: /destroy before anything/,
    saying: /closed came from inside destroy/,
    break(inner) {
      let events: ConnectionEvents | undefined;
      return {
        open: (given) => inner.open({ ...wrapped((events = given)), closed() {} }),
        destroy: (error) => (inner.destroy(error), events?.closed(error)),
      };
    },
  },
  "destroy forgets its error": {
    noticedBy: /destroy ends both ends/,
    saying: /without the error/,
    break: (inner) => ({ destroy: () => inner.destroy() }),
  },
  "chunks swap places": {
    noticedBy: /carries bytes unchanged/,
    saying: /is wrong/,
    break(inner) {
      let held: Uint8Array | undefined;
      return {
        write(chunk) {
          if (held === undefined) return ((held = chunk.slice()), true);
          const room = inner.write(chunk);
          inner.write(held);
          held = undefined;
          return room;
        },
      };
    },
  },
};

function wrapped(events: ConnectionEvents): ConnectionEvents {
  return {
    data: (chunk) => events.data(chunk),
    drained: () => events.drained(),
    closed: (error) => events.closed(error),
  };
}

test.each(Object.entries(faults))("the suite notices when %s", async (_, fault) => {
  const faulty = (inner: Connection): Connection => ({
    peer: inner.peer,
    open: (events) => inner.open(events),
    write: (chunk) => inner.write(chunk),
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    close: () => inner.close(),
    destroy: (error) => inner.destroy(error),
    ...fault.break(inner),
  });
  const tests: (() => void | Promise<void>)[] = [];
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    test: (name: string, body: () => void | Promise<void>) => void (fault.noticedBy.test(name) && tests.push(body)),
  };
  connectionCompliance(runner, {
    name: "faulty memory",
    create() {
      const { connector, listener } = memoryLink();
      return {
        connector: () => ({ ...connector, connect: async (signal) => faulty(await connector.connect(signal)) }),
        listener: { listen: (accept) => listener.listen((connection) => accept(faulty(connection))) },
      };
    },
  });
  expect(tests).toHaveLength(1);
  await expect(tests[0]?.()).rejects.toThrow(fault.saying);
});
