import { describe, expect, test } from "vitest";
import { MessageReader, RpcError } from "../src/index.ts";
import { collect, rejection, settled } from "./waits.ts";

interface Watched {
  readonly reader: MessageReader<number>;
  readonly cancels: RpcError[];
  readonly readies: number;
}

function watched(onReady: (reader: MessageReader<number>) => void = () => {}): Watched {
  const cancels: RpcError[] = [];
  let readies = 0;
  const reader: MessageReader<number> = new MessageReader<number>({
    ready() {
      readies++;
      onReady(reader);
    },
    cancel: (error) => cancels.push(error),
  });
  return {
    reader,
    cancels,
    get readies() {
      return readies;
    },
  };
}

const broken = new RpcError("UNAVAILABLE", "lost");

test("a second loop over a stream that failed throws again, it does not look empty", async () => {
  const { reader } = watched();
  reader.push(1);
  reader.finish(broken);
  expect(await reader.next()).toEqual({ value: 1, done: false });
  expect(await rejection(collect(reader))).toBe(broken);
  expect(await rejection(collect(reader))).toBe(broken);
});

describe("pulling", () => {
  test("messages that come before they are asked for, and after", async () => {
    const { reader, cancels } = watched();
    reader.push(1);
    const all = collect(reader);
    await settled();
    reader.push(2);
    reader.push(3);
    await settled();
    reader.push(4);
    reader.finish(undefined);
    expect(await all).toEqual([1, 2, 3, 4]);
    expect(cancels).toEqual([]);
    expect(await reader.next()).toEqual({ value: undefined, done: true });
  });

  test("several nexts at once are answered in order", async () => {
    const { reader } = watched();
    const nexts = [reader.next(), reader.next(), reader.next(), reader.next()];
    reader.push(1);
    reader.push(2);
    reader.finish(undefined);
    expect((await Promise.all(nexts)).map((one) => one.value)).toEqual([1, 2, undefined, undefined]);
  });

  test("the error comes after the messages before it, and once", async () => {
    const { reader } = watched();
    reader.push(1);
    reader.push(2);
    reader.finish(broken);
    const got: number[] = [];
    expect(
      await rejection(
        (async () => {
          for await (const one of reader) got.push(one);
        })(),
      ),
    ).toBe(broken);
    expect(got).toEqual([1, 2]);
    expect(await reader.next()).toEqual({ value: undefined, done: true });
  });

  test("an error reaches those who wait; the first of them", async () => {
    const { reader } = watched();
    const [first, second] = [reader.next(), reader.next()];
    reader.finish(broken);
    expect(await rejection(first)).toBe(broken);
    expect((await second).done).toBe(true);
  });

  test.each(["break", "throw", "return", "dispose"])(
    "%s cancels the stream, once, and drops what has arrived",
    async (way) => {
      const { reader, cancels } = watched();
      for (const one of [1, 2, 3]) reader.push(one);
      const leave = async (): Promise<void> => {
        if (way === "dispose") {
          await using stream = reader;
          await stream.next();
          return;
        }
        for await (const _ of reader) {
          if (way === "throw") throw new Error("enough");
          if (way === "return") return;
          break;
        }
      };
      const thrown = await leave().catch((error: Error) => error.message);
      expect(thrown).toBe(way === "throw" ? "enough" : undefined);
      expect(cancels).toHaveLength(1);
      expect(cancels[0]).toMatchObject({ code: "CANCELLED" });
      expect(await reader.next()).toEqual({ value: undefined, done: true });
      expect(reader.push(4)).toBe(true);
      await reader.return();
      expect(cancels).toHaveLength(1);
    },
  );

  test("leaving a stream that has failed is quiet", async () => {
    const { reader, cancels } = watched();
    reader.push(1);
    reader.finish(broken);
    reader.cancel();
    expect(await reader.next()).toEqual({ value: undefined, done: true });
    expect(cancels).toEqual([]);
  });

  test("what ends twice has ended once", async () => {
    const { reader } = watched();
    reader.finish(undefined);
    reader.finish(broken);
    expect(await collect(reader)).toEqual([]);
  });

  test("abort drops what has arrived", async () => {
    const { reader } = watched();
    reader.push(1);
    reader.abort(broken);
    expect(await rejection(reader.next())).toBe(broken);
  });
});

describe("pushing", () => {
  test("messages that came before forEach and after it", async () => {
    const { reader } = watched();
    const got: number[] = [];
    reader.push(1);
    reader.push(2);
    const done = reader.forEach((one) => {
      got.push(one);
    });
    expect(got).toEqual([1, 2]);
    reader.push(3);
    expect(got).toEqual([1, 2, 3]);
    reader.finish(undefined);
    await done;
  });

  test("a stream that had ended before it is read", async () => {
    const { reader } = watched();
    reader.push(1);
    reader.finish(broken);
    const got: number[] = [];
    expect(await rejection(reader.forEach((one) => got.push(one)))).toBe(broken);
    expect(got).toEqual([1]);
  });

  test("a promise that the callback returns holds back the next message, and the end", async () => {
    const { reader } = watched();
    const log: string[] = [];
    const gates: (() => void)[] = [];
    const done = reader
      .forEach(async (one) => {
        log.push(`begin ${one}`);
        await new Promise<void>((resolve) => gates.push(resolve));
        log.push(`end ${one}`);
      })
      .then(() => log.push("done"));
    expect(reader.push(1)).toBe(false);
    expect(reader.push(2)).toBe(false);
    reader.finish(undefined);
    await settled();
    expect(log).toEqual(["begin 1"]);
    gates[0]?.();
    await settled();
    expect(log).toEqual(["begin 1", "end 1", "begin 2"]);
    gates[1]?.();
    await done;
    expect(log).toEqual(["begin 1", "end 1", "begin 2", "end 2", "done"]);
  });

  test.each(["throws", "rejects"])("a callback that %s cancels the stream", async (how) => {
    const { reader, cancels } = watched();
    const mine = new Error("mine");
    reader.push(1);
    reader.push(2);
    let calls = 0;
    const error = await rejection(
      reader.forEach(() => {
        calls++;
        if (how === "throws") throw mine;
        return Promise.reject(mine);
      }),
    );
    expect(error).toBe(mine);
    expect(calls).toBe(1);
    expect(cancels).toHaveLength(1);
    reader.push(3);
    reader.finish(undefined);
    expect(calls).toBe(1);
  });

  test("the callback may cancel", async () => {
    const { reader, cancels } = watched();
    const got: number[] = [];
    const done = reader.forEach((one) => {
      got.push(one);
      if (one === 2) reader.cancel("two is enough");
    });
    for (const one of [1, 2, 3]) reader.push(one);
    await done;
    expect(got).toEqual([1, 2]);
    expect(cancels[0]?.rawMessage).toBe("two is enough");
  });

  test("order is kept when room brings more while the backlog is handed over", async () => {
    let next = 3;
    const watchedReader = watched((reader) => {
      while (next <= 6) reader.push(next++);
    });
    const { reader } = watchedReader;
    reader.push(1);
    reader.push(2);
    const got: number[] = [];
    const done = reader.forEach((one) => got.push(one));
    reader.finish(undefined);
    await done;
    expect(got).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe("one reader", () => {
  test("forEach after a loop has begun is refused", async () => {
    const { reader } = watched();
    void reader.next();
    expect(await rejection(reader.forEach(() => {}))).toBeInstanceOf(TypeError);
    reader.finish(undefined);
  });

  test("a second forEach, and a loop after forEach, are refused and steal nothing", async () => {
    const { reader } = watched();
    const got: number[] = [];
    const done = reader.forEach((one) => got.push(one));
    expect(await rejection(reader.forEach(() => {}))).toBeInstanceOf(TypeError);
    expect(await rejection(reader.next())).toBeInstanceOf(TypeError);
    reader.push(1);
    reader.finish(undefined);
    await done;
    expect(got).toEqual([1]);
  });
});

describe("room", () => {
  test("a reader that waits has room, one that does not has none until it has read everything", async () => {
    const watching = watched();
    const { reader } = watching;
    const first = reader.next();
    expect(reader.push(1)).toBe(true);
    await first;
    expect(reader.push(2)).toBe(false);
    expect(reader.push(3)).toBe(false);
    await reader.next();
    expect(watching.readies).toBe(0);
    await reader.next();
    expect(watching.readies).toBe(1);
    void reader.next();
    expect(reader.push(4)).toBe(true);
    expect(watching.readies).toBe(1);
  });

  test("forEach has room between messages, and says so once when a backlog is through", async () => {
    const watching = watched();
    const { reader } = watching;
    expect(reader.push(1)).toBe(false);
    expect(reader.push(2)).toBe(false);
    const done = reader.forEach(() => {});
    expect(watching.readies).toBe(1);
    expect(reader.push(3)).toBe(true);
    expect(watching.readies).toBe(1);
    reader.finish(undefined);
    await done;
  });

  test("a busy callback has none, and says so once when it is through", async () => {
    const watching = watched();
    const { reader } = watching;
    let release = (): void => {};
    void reader.forEach(() => new Promise<void>((resolve) => (release = resolve)));
    expect(reader.push(1)).toBe(false);
    release();
    await settled();
    expect(watching.readies).toBe(1);
    reader.finish(undefined);
  });

  test("nobody is told of room in a stream that is over", async () => {
    const watching = watched();
    const { reader } = watching;
    reader.push(1);
    reader.finish(undefined);
    await collect(reader);
    expect(watching.readies).toBe(0);
  });
});
