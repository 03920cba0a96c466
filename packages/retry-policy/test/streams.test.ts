import { Metadata, RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { scripted } from "./scripted.ts";

const kib = (n: number): Uint8Array => new Uint8Array(n * 1024);

describe("a stream of responses", () => {
  test("is tried again until its first message has been delivered", async () => {
    const { requests, attempt, caller, advance } = scripted({ kind: "serverStream" });
    requests.message("all", true);
    attempt(1).responses.header(new Metadata({ from: "first" }));
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    attempt(2).responses.message("a");
    attempt(2).responses.message("b");
    attempt(2).responses.end(undefined, undefined);
    expect(caller.heard).toEqual(["message a", "message b", "end"]);
  });

  test("that breaks after its first message ends with the error, committed", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({ kind: "serverStream" });
    requests.message("all", true);
    attempt(1).responses.message("a");
    attempt(1).fail("UNAVAILABLE");
    await advance(1_000);
    expect(attempts).toHaveLength(1);
    expect(caller.heard).toEqual(["message a", "end UNAVAILABLE"]);
    expect(caller.error?.explain?.stopped).toBe("committed");
  });

  test("that is empty passes its header and its end", () => {
    const { requests, attempt, caller } = scripted({ kind: "serverStream" });
    requests.message("all", true);
    attempt(1).responses.header(new Metadata());
    attempt(1).responses.end(undefined, undefined);
    expect(caller.heard).toEqual(["header", "end"]);
  });

  test("whose last attempt fails passes that attempt's header and trailers", () => {
    const { requests, attempt, caller } = scripted({ kind: "serverStream" });
    requests.message("all", true);
    attempt(1).responses.header(new Metadata({ a: "1" }));
    attempt(1).responses.end(new RpcError("NOT_FOUND"), new Metadata({ b: "2" }));
    expect(caller.heard).toEqual(["header", "end NOT_FOUND"]);
    expect(caller.ends[0]?.trailers?.get("b")).toBe("2");
  });

  test("of an unsafe method passes its header when it comes: nothing of it will be sent again", () => {
    const { requests, attempt, caller } = scripted({ kind: "serverStream", effect: "unsafe" });
    requests.message("all", true);
    attempt(1).responses.header(new Metadata());
    expect(caller.heard).toEqual(["header"]);
    attempt(1).responses.message("a");
    expect(caller.heard).toEqual(["header", "message a"]);
  });

  test("slows its sender down when its reader is slow", () => {
    const { requests, attempt, caller } = scripted({ kind: "serverStream" });
    requests.message("all", true);
    caller.room = false;
    expect(attempt(1).responses.message("a")).toBe(false);
    requests.ready();
    expect(attempt(1).readies).toBe(1);
  });
});

describe("a stream of requests", () => {
  test("is given whole to the next attempt, and goes on there", async () => {
    const { requests, attempt, caller, advance } = scripted({ kind: "clientStream" });
    for (const one of ["a", "b"]) requests.message(one, false);
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    expect(attempt(2).sent).toEqual(["a", "b"]);
    requests.message("c", false);
    requests.end();
    expect(attempt(2).sent).toEqual(["a", "b", "c"]);
    expect(attempt(2).halfClosed).toBe(true);
    attempt(2).answer("sum");
    expect(caller.heard).toEqual(["message sum", "end"]);
  });

  test("that has ended is half-closed at the next attempt too, with its last message or without any", async () => {
    for (const messages of [["a", "b"], []]) {
      const { requests, attempt, advance } = scripted({ kind: "clientStream" });
      for (const one of messages) requests.message(one, false);
      requests.end();
      attempt(1).fail("UNAVAILABLE");
      await advance(100);
      expect(attempt(2).sent).toEqual(messages);
      expect(attempt(2).halfClosed).toBe(true);
    }
  });

  test("waits while there is no attempt, and is told when there is room", async () => {
    const { requests, attempt, caller, advance } = scripted({ kind: "clientStream" });
    expect(requests.message("a", false)).toBe(true);
    attempt(1).fail("UNAVAILABLE");
    expect(requests.message("b", false)).toBe(false);
    expect(caller.readies).toBe(0);
    await advance(100);
    expect(attempt(2).sent).toEqual(["a", "b"]);
    expect(caller.readies).toBe(1);
  });

  test("is replayed no faster than the next attempt takes it", async () => {
    let room = Infinity;
    const { requests, attempt, caller, advance } = scripted({
      kind: "bidiStream",
      onAttemptStart: (one) => {
        one.room = room;
      },
    });
    for (const one of [1, 2, 3, 4, 5]) requests.message(one, false);
    attempt(1).fail("UNAVAILABLE");
    room = 2;
    await advance(100);
    expect(attempt(2).sent).toEqual([1, 2]);
    expect(requests.message(6, false)).toBe(false);
    attempt(2).room = 2;
    attempt(2).responses.ready();
    expect(attempt(2).sent).toEqual([1, 2, 3, 4]);
    expect(caller.readies).toBe(0);
    attempt(2).room = 10;
    attempt(2).responses.ready();
    expect(attempt(2).sent).toEqual([1, 2, 3, 4, 5, 6]);
    expect(caller.readies).toBe(1);
    expect(requests.message(7, true)).toBe(true);
    expect(attempt(2).sent).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("goes on being replayed when the response comes before its end", async () => {
    let room = Infinity;
    const { requests, attempt, caller, advance } = scripted({
      kind: "bidiStream",
      onAttemptStart: (one) => {
        one.room = room;
      },
    });
    for (const one of [1, 2, 3]) requests.message(one, false);
    attempt(1).fail("UNAVAILABLE");
    room = 1;
    await advance(100);
    attempt(2).responses.message("early");
    expect(requests.message(4, false)).toBe(false);
    requests.end();
    attempt(2).room = 10;
    attempt(2).responses.ready();
    expect(attempt(2).sent).toEqual([1, 2, 3, 4]);
    expect(attempt(2).halfClosed).toBe(true);
    attempt(2).responses.end(undefined, undefined);
    expect(caller.heard).toEqual(["message early", "end"]);
  });

  test("passes on when the attempt has room again", () => {
    const { requests, attempt, caller } = scripted({ kind: "clientStream" });
    attempt(1).room = 1;
    expect(requests.message(1, false)).toBe(false);
    attempt(1).responses.ready();
    expect(caller.readies).toBe(1);
  });

  test("that outgrows what may be kept is sent once, and is not tried again", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({ kind: "clientStream" });
    attempt(1).responses.header(new Metadata());
    for (let i = 0; i < 15; i++) requests.message(kib(64), false);
    expect(caller.heard).toEqual([]);
    requests.message(kib(128), false);
    // Committed: its header is the call's.
    expect(caller.heard).toEqual(["header"]);
    expect(attempt(1).sent).toHaveLength(16);
    attempt(1).fail("UNAVAILABLE");
    await advance(10_000);
    expect(attempts).toHaveLength(1);
    expect(caller.error?.explain?.stopped).toBe("committed");
  });

  test("that outgrows it during back-off loses nothing, and has one more attempt", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({
      kind: "clientStream",
      replay: { maxBytesPerCall: 1_000 },
    });
    requests.message("a", false);
    attempt(1).fail("UNAVAILABLE");
    requests.message(kib(2), false);
    requests.message("c", false);
    await advance(100);
    expect(attempt(2).sent).toHaveLength(3);
    attempt(2).fail("UNAVAILABLE");
    await advance(10_000);
    expect(attempts).toHaveLength(2);
    expect(caller.error?.explain?.stopped).toBe("committed");
  });

  test("shares what all calls of the client may keep, and gives it back at the end", async () => {
    const { begin, requests, attempt, caller, advance } = scripted({
      kind: "clientStream",
      replay: { maxBytesPerCall: 10_000, maxBytes: 15_000 },
    });
    requests.message(new Uint8Array(9_000), false);
    const second = begin().requests;
    second.message(new Uint8Array(9_000), false);
    attempt(2).fail("UNAVAILABLE");
    expect(caller.ends[0]?.error?.explain?.stopped).toBe("committed");
    requests.cancel(new RpcError("CANCELLED"));
    const third = begin().requests;
    third.message(new Uint8Array(9_000), false);
    attempt(3).fail("UNAVAILABLE");
    await advance(100);
    expect(attempt(4).sent).toHaveLength(1);
  });

  test("of which the last attempt is over takes nothing and keeps nothing", () => {
    const { requests, attempt, caller } = scripted({ kind: "clientStream" });
    requests.message("a", false);
    attempt(1).fail("INVALID_ARGUMENT");
    expect(requests.message("b", false)).toBe(true);
    requests.end();
    expect(attempt(1).sent).toEqual(["a"]);
    expect(caller.heard).toEqual(["end INVALID_ARGUMENT"]);
  });

  test("is cancelled in the middle of its replay", async () => {
    let room = Infinity;
    const { requests, attempt, caller, advance } = scripted({
      kind: "clientStream",
      onAttemptStart: (one) => {
        one.room = room;
      },
    });
    for (const one of [1, 2, 3]) requests.message(one, false);
    attempt(1).fail("UNAVAILABLE");
    room = 1;
    await advance(100);
    requests.cancel(new RpcError("CANCELLED"));
    attempt(2).responses.ready();
    expect(attempt(2).sent).toEqual([1]);
    expect(attempt(2).cancelledWith?.code).toBe("CANCELLED");
    expect(caller.heard).toEqual(["end CANCELLED"]);
  });

  test("whose replay fails in the middle starts over at the next attempt", async () => {
    const { requests, attempt, caller, advance } = scripted({
      kind: "clientStream",
      onAttemptStart: (one) => {
        if (one.call.attempt !== 2) return;
        const take = one.message.bind(one);
        one.message = (value, last) => {
          take(value, last);
          one.fail("UNAVAILABLE");
          return true;
        };
      },
    });
    for (const one of [1, 2, 3]) requests.message(one, false);
    attempt(1).fail("UNAVAILABLE");
    await advance(1_000);
    expect(attempt(2).sent).toEqual([1]);
    expect(attempt(3).sent).toEqual([1, 2, 3]);
    requests.end();
    attempt(3).answer(6);
    expect(caller.heard).toEqual(["message 6", "end"]);
  });
});
