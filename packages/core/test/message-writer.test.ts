import { describe, expect, test } from "vitest";
import { RpcError } from "../src/index.ts";
import { pump, RoomGate } from "../src/message-writer.ts";
import { rejection, settled } from "./waits.ts";

const over = new RpcError("CANCELLED", "over");

describe("room gate", () => {
  test("waits only when there is no room, and all who wait go on together", async () => {
    const gate = new RoomGate();
    await gate.wait();
    expect(gate.note(false)).toBe(false);
    const waiting = [gate.wait(), gate.wait()];
    gate.open();
    await Promise.all(waiting);
    expect(gate.hasRoom).toBe(true);
  });

  test("closing rejects those who wait and those who come later, with the call's error", async () => {
    const gate = new RoomGate();
    gate.note(false);
    const waiting = gate.wait();
    gate.close(over);
    gate.close(new RpcError("INTERNAL"));
    expect(await rejection(waiting)).toBe(over);
    expect(await rejection(gate.wait())).toBe(over);
    expect(gate.ended).toBe(true);
    const fine = new RoomGate();
    fine.close(undefined);
    expect(await rejection(fine.wait())).toMatchObject({ code: "CANCELLED" });
  });

  test("onClose is called once, also when it is closed already", () => {
    const gate = new RoomGate();
    let calls = 0;
    gate.onClose(() => calls++);
    gate.close(undefined);
    gate.close(undefined);
    expect(calls).toBe(1);
    gate.onClose(() => calls++);
    expect(calls).toBe(2);
  });
});

describe("pump", () => {
  test("an iterator may answer with promises of another library", async () => {
    const sent: unknown[] = [];
    let n = 0;
    const later = (result: IteratorResult<number>) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- that is what this test is about
      then: (resolve: (r: typeof result) => void) => resolve(result),
    });
    const foreign = {
      [Symbol.asyncIterator]: () => ({
        next: () => later(n++ < 2 ? { value: n, done: false } : { value: 0, done: true }),
      }),
    };
    await pump(foreign as unknown as AsyncIterable<number>, new RoomGate(), (message) => sent.push(message) > 0);
    expect(sent).toEqual([1, 2]);
  });

  test("sends arrays, sync and async generators, in order", async () => {
    const sources = [
      [1, 2, 3],
      (function* () {
        yield* [1, 2, 3];
      })(),
      (async function* () {
        yield* [1, 2, 3];
      })(),
      new Set([1, 2, 3]),
    ];
    for (const source of sources) {
      const sent: number[] = [];
      await pump(source, new RoomGate(), (one) => sent.push(one) > 0);
      expect(sent).toEqual([1, 2, 3]);
    }
  });

  test("waits for room between messages", async () => {
    const gate = new RoomGate();
    const sent: number[] = [];
    const done = pump([1, 2, 3], gate, (one) => sent.push(one) < 2);
    await settled();
    expect(sent).toEqual([1, 2]);
    gate.open();
    await settled();
    expect(sent).toEqual([1, 2, 3]);
    gate.open();
    await done;
  });

  test("what the source throws is the pump's error", async () => {
    const mine = new Error("mine");
    const source = (function* () {
      yield 1;
      throw mine;
    })();
    expect(await rejection(pump(source, new RoomGate(), () => true))).toBe(mine);
  });

  test.each([undefined, null, 5, {}])("%j yields nothing and is refused", async (source) => {
    expect(await rejection(pump(source as never, new RoomGate(), () => true))).toBeInstanceOf(TypeError);
  });

  test("when the call ends, a generator that waits for room runs its finally", async () => {
    const gate = new RoomGate();
    const log: string[] = [];
    const source = (async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        log.push("finally");
      }
    })();
    const done = pump(source, gate, (one) => log.push(`sent ${one}`) > 5);
    await settled();
    gate.close(over);
    await done;
    await settled();
    expect(log).toEqual(["sent 1", "finally"]);
  });

  test("when the call ends, the return of a stuck source is called at once, and what it throws is nobody's concern", async () => {
    const gate = new RoomGate();
    let returned = 0;
    const stuck: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return() {
          returned++;
          throw new Error("too late");
        },
      }),
    };
    void pump(stuck, gate, () => true);
    await settled();
    gate.close(over);
    expect(returned).toBe(1);
  });

  test("a source is not asked again once the call has ended inside of send", async () => {
    const gate = new RoomGate();
    let asked = 0;
    const source = (function* () {
      for (;;) yield ++asked;
    })();
    await pump(source, gate, (one) => {
      if (one === 3) gate.close(undefined);
      return true;
    });
    expect(asked).toBe(3);
  });
});
