import { ContextValues, Metadata, RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { RetryBudget, retryRules } from "../src/index.ts";
import { type ScriptedAttempt, scripted } from "./scripted.ts";

describe("a call that fails once", () => {
  test("is sent again after the back-off, with the same request, and succeeds", async () => {
    const { requests, attempt, attempts, caller, advance, clock } = scripted();
    requests.message("hello", true);
    attempt(1).fail("UNAVAILABLE");
    await advance(24);
    expect(attempts).toHaveLength(1);
    await advance(1);
    expect(attempts).toHaveLength(2);
    expect(attempt(2).sent).toEqual(["hello"]);
    expect(attempt(2).halfClosed).toBe(true);
    attempt(2).answer("world", new Metadata({ took: "2" }));
    expect(caller.heard).toEqual(["message world", "end"]);
    expect(caller.ends[0]?.trailers?.get("took")).toBe("2");
    expect(clock.pending).toBe(0);
  });

  test("tells the next attempt its number, what to avoid, and the metadata as it was", async () => {
    const seen: string[] = [];
    const { requests, attempt, advance } = scripted({
      metadata: new Metadata({ user: "ann" }),
      peers: ["a:1", "b:1"],
      // As an interceptor between this one and the network would.
      onAttemptStart: ({ call }) => {
        call.metadata?.append("trace", String(call.attempt));
        seen.push(JSON.stringify(call.metadata));
      },
    });
    requests.message(1, true);
    expect(attempt(1).call.avoid).toBeUndefined();
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    expect(attempt(2).call).toMatchObject({ attempt: 2, avoid: ["a:1"] });
    expect(attempt(2).peer).toBe("b:1");
    expect(seen).toEqual(['{"user":["ann"],"trace":["1"]}', '{"user":["ann"],"trace":["2"]}']);
  });

  test("passes the header of the attempt that answers alone", async () => {
    const { requests, attempt, caller, advance } = scripted();
    requests.message(1, true);
    attempt(1).responses.header(new Metadata({ from: "first" }));
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    attempt(2).responses.header(new Metadata({ from: "second" }));
    expect(caller.heard).toEqual([]);
    attempt(2).answer(2);
    expect(caller.heard).toEqual(["header", "message 2", "end"]);
    expect(caller.headers.map((one) => one.get("from"))).toEqual(["second"]);
  });
});

test("the values of one attempt do not reach the next", async () => {
  const values = new ContextValues();
  const { requests, attempt, advance } = scripted({ values });
  requests.message(1, true);
  attempt(1).fail("UNAVAILABLE");
  await advance(100);
  attempt(2).call.values?.set(retryRules, { attempts: 7 });
  attempt(2).fail("UNAVAILABLE");
  await advance(100);
  expect(attempt(3).call.values?.get(retryRules)).toBeUndefined();
  expect(values.get(retryRules)).toBeUndefined();
});

test("a call that fails every time ends with the last error after three attempts", async () => {
  const { requests, attempt, attempts, caller, advance, events } = scripted({ peers: ["a:1", "b:1", "c:1"] });
  requests.message(1, true);
  attempt(1).fail("UNAVAILABLE");
  await advance(25);
  attempt(2).fail("UNAVAILABLE");
  await advance(50);
  attempt(3).fail("UNAVAILABLE", { metadata: { which: "third" } });
  await advance(10_000);
  expect(attempts).toHaveLength(3);
  expect(caller.heard).toEqual(["end UNAVAILABLE"]);
  expect(caller.error?.metadata.get("which")).toBe("third");
  expect(caller.error?.explain).toMatchObject({
    stopped: "attempts",
    elapsedMs: 75,
    attempts: [
      { peer: "a:1", code: "UNAVAILABLE", elapsedMs: 0 },
      { peer: "b:1", code: "UNAVAILABLE", delayMs: 25 },
      { peer: "c:1", code: "UNAVAILABLE", delayMs: 50 },
    ],
  });
  expect(caller.error?.explanation).toBe(
    "after 75 ms: waiting for a:1 (0 ms): UNAVAILABLE; 25 ms later waiting for b:1 (0 ms): UNAVAILABLE; " +
      "50 ms later waiting for c:1 (0 ms): UNAVAILABLE; not retried: attempts",
  );
  expect(
    events.map(({ attempt: n, peer, code, next, nextDelayMs, stopped }) => [n, peer, code, next, nextDelayMs, stopped]),
  ).toEqual([
    [1, "a:1", "UNAVAILABLE", "retry", 25, undefined],
    [2, "b:1", "UNAVAILABLE", "retry", 50, undefined],
    [3, "c:1", "UNAVAILABLE", "end", undefined, "attempts"],
  ]);
});

test("a success without failures is one event, and nothing else", () => {
  const { requests, attempt, caller, events, clock } = scripted({ peers: ["a:1"] });
  requests.message(1, true);
  attempt(1).answer(2);
  expect(caller.heard).toEqual(["message 2", "end"]);
  expect(events).toMatchObject([
    { attempt: 1, peer: "a:1", cause: "call", code: "OK", next: "end", stopped: undefined },
  ]);
  expect(clock.pending).toBe(0);
});

test("a listener that throws does not break the call", async () => {
  const thrown: unknown[] = [];
  const listener = (error: unknown): void => void thrown.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", listener);
  try {
    const { requests, attempt, caller, settled, events } = scripted();
    events.push = () => {
      throw new Error("listener");
    };
    requests.message(1, true);
    attempt(1).answer(2);
    expect(caller.heard).toEqual(["message 2", "end"]);
    await settled();
    expect(thrown).toMatchObject([{ message: "listener" }]);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const one of others) process.on("uncaughtException", one);
  }
});

test("a listener that cancels the call stops it there, and leaves nothing behind", async () => {
  for (const outcome of ["retry", "end"] as const) {
    const { requests, attempt, attempts, caller, advance, clock, events } = scripted();
    requests.message(1, true);
    events.push = () => {
      requests.cancel(new RpcError("CANCELLED"));
      return 1;
    };
    attempt(1).responses.header(new Metadata());
    attempt(1).fail(outcome === "retry" ? "UNAVAILABLE" : "NOT_FOUND");
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(clock.pending).toBe(0);
    await advance(10_000);
    expect(attempts).toHaveLength(1);
  }
});

test("a second attempt that is answered before it has taken the request is given the request all the same", async () => {
  const { requests, attempt, caller, advance } = scripted({
    onAttemptStart: (one) => {
      if (one.call.attempt === 2) one.responses.message("early");
    },
  });
  requests.message("request", true);
  attempt(1).fail("UNAVAILABLE");
  await advance(100);
  expect(attempt(2).sent).toEqual(["request"]);
  attempt(2).responses.end(undefined, undefined);
  expect(caller.heard).toEqual(["message early", "end"]);
});

describe("what is not retried", () => {
  test.each([
    ["INVALID_ARGUMENT", "pure", "not retryable"],
    ["UNKNOWN", "pure", "not retryable"],
    ["UNAVAILABLE", "unsafe", "not retryable"],
    ["UNAVAILABLE", "keyed", "not retryable"],
    ["UNAVAILABLE", "at-most-once", "not retryable"],
  ] as const)("%s of a %s method: %s", async (code, effect, stopped) => {
    const { requests, attempt, attempts, caller, advance } = scripted({ effect });
    requests.message(1, true);
    attempt(1).fail(code);
    await advance(10_000);
    expect(attempts).toHaveLength(1);
    expect(caller.heard).toEqual([`end ${code}`]);
    expect(caller.error?.explain?.stopped).toBe(stopped);
  });

  test("but keyed methods are where endpoints are trusted with keys", async () => {
    const { requests, attempt, attempts, advance } = scripted({ effect: "keyed", trustKeys: true });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    expect(attempts).toHaveLength(2);
  });

  test("a call that is awaited elsewhere under the same key is asked for until it is done, free of attempts and budget", async () => {
    const budget = new RetryBudget();
    const { requests, attempt, caller, advance } = scripted({
      effect: "keyed",
      trustKeys: true,
      deadline: 30_000,
      budget,
    });
    requests.message(1, true);
    for (let i = 1; i <= 20; i++) {
      attempt(i).fail("ABORTED", { retryAfterMs: 100, processed: "yes" });
      await advance(120);
    }
    expect(budget.tokens).toBe(10);
    attempt(21).answer("done");
    expect(caller.heard).toEqual(["message done", "end"]);
  });
});

describe("a failure that provably reached no handler", () => {
  test("moves at once, without back-off, attempts or budget, once for each endpoint", async () => {
    const budget = new RetryBudget();
    const peers = ["a:1", "b:1", "c:1", "d:1", "e:1", "f:1"];
    const { requests, attempt, attempts, caller, settled } = scripted({ effect: "unsafe", peers, budget });
    requests.message("once", true);
    for (let i = 1; i <= 5; i++) {
      attempt(i).fail("UNAVAILABLE", { processed: "no" });
      await settled();
    }
    expect(attempts.map(({ peer }) => peer)).toEqual(peers);
    expect(budget.tokens).toBe(10);
    attempt(6).answer("done");
    expect(caller.heard).toEqual(["message done", "end"]);
  });

  test("counts from the second time at an endpoint on", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({ effect: "unsafe", peers: ["only:1"] });
    requests.message(1, true);
    for (let i = 1; i <= 4; i++) {
      attempt(i).fail("UNAVAILABLE", { processed: "no" });
      await advance(1_000);
    }
    expect(attempts).toHaveLength(4);
    expect(caller.error?.explain?.stopped).toBe("attempts");
    expect(caller.error?.processed).toBe("no");
  });

  test("is not trusted blindly: endpoints without end do not make attempts without end", async () => {
    let port = 1;
    const { requests, attempts, caller, advance } = scripted({
      effect: "unsafe",
      onAttemptStart: (one) => one.fail("UNAVAILABLE", { processed: "no", peer: `10.0.0.1:${port++}` }),
    });
    requests.message(1, true);
    await advance(10_000);
    expect(attempts.length).toBe(35);
    expect(caller.heard).toEqual(["end UNAVAILABLE"]);
  });

  test("does not hide that an attempt before it may have run", async () => {
    const { requests, attempt, caller, advance } = scripted({ attempts: 2, peers: ["a:1", "b:1"] });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE", { processed: "unknown" });
    await advance(100);
    attempt(2).fail("INVALID_ARGUMENT", { processed: "no" });
    expect(caller.error).toMatchObject({ code: "INVALID_ARGUMENT", processed: "unknown" });
  });

  test("is one when the connection never came about", async () => {
    const { requests, attempt, attempts, settled } = scripted({ effect: "unsafe", peers: ["a:1", "b:1"] });
    requests.message(1, true);
    attempt(1).phase = "connecting";
    attempt(1).fail("UNAVAILABLE", { processed: "unknown" });
    await settled();
    expect(attempts).toHaveLength(2);
  });

  test("begins its next attempt in a turn of its own, not inside the transport's event", () => {
    const { requests, attempt, attempts } = scripted({ effect: "unsafe" });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE", { processed: "no" });
    expect(attempts).toHaveLength(1);
  });
});

test("an attempt that ends before the next handler has returned is retried like any other", async () => {
  let refused = 0;
  const { requests, attempt, caller, settled } = scripted({
    effect: "unsafe",
    onAttemptStart: (one) => {
      if (refused++ === 0) one.fail("UNAVAILABLE", { processed: "no" });
    },
  });
  requests.message("late", true);
  await settled();
  expect(attempt(2).sent).toEqual(["late"]);
  attempt(2).answer("done");
  expect(caller.heard).toEqual(["message done", "end"]);
});

test("endpoints are avoided until all were tried, then from the start", async () => {
  const { requests, attempt, advance } = scripted({ attempts: 6, peers: ["a:1", "b:1"] });
  requests.message(1, true);
  const avoided: unknown[] = [];
  for (let i = 1; i <= 5; i++) {
    avoided.push(attempt(i).call.avoid);
    attempt(i).fail("UNAVAILABLE");
    await advance(1_000);
  }
  expect(avoided).toEqual([undefined, ["a:1"], ["a:1", "b:1"], ["a:1"], ["a:1", "b:1"]]);
});

describe("pushback", () => {
  test("is waited for, and not shortened", async () => {
    const { requests, attempt, attempts, advance } = scripted({ random: () => 0 });
    requests.message(1, true);
    attempt(1).fail("RESOURCE_EXHAUSTED", { retryAfterMs: 700 });
    await advance(699);
    expect(attempts).toHaveLength(1);
    await advance(1);
    expect(attempts).toHaveLength(2);
  });

  test.each([Number.NaN, -1, Infinity, "never", "5"])("%s means: do not", async (retryAfterMs) => {
    const { requests, attempt, attempts, caller, advance } = scripted();
    requests.message(1, true);
    // Of this copy's `RpcError` no other word than "never" can come; of another's it might.
    const error = new RpcError("UNAVAILABLE", "scripted", { remote: true });
    Object.defineProperty(error, "retryAfterMs", { value: retryAfterMs });
    attempt(1).responses.end(error, undefined);
    await advance(100_000);
    expect(attempts).toHaveLength(1);
    expect(caller.error?.explain?.stopped).toBe("pushback");
  });

  test("that is long is the final error at once, not slept through", () => {
    const { requests, attempt, caller, clock } = scripted();
    requests.message(1, true);
    attempt(1).fail("RESOURCE_EXHAUSTED", { retryAfterMs: 5_001 });
    expect(caller.heard).toEqual(["end RESOURCE_EXHAUSTED"]);
    expect(caller.error).toMatchObject({ retryAfterMs: 5_001, explain: { stopped: "pushback" } });
    expect(clock.pending).toBe(0);
  });

  test("from an unprocessed call is waited for too, and counts", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({ effect: "unsafe", random: () => 0 });
    requests.message(1, true);
    for (let i = 1; i <= 3; i++) {
      attempt(i).fail("RESOURCE_EXHAUSTED", { retryAfterMs: 100, processed: "no" });
      await advance(100);
    }
    expect(attempts).toHaveLength(3);
    expect(caller.error?.explain?.stopped).toBe("attempts");
  });
});

describe("the deadline", () => {
  test("lets no attempt begin that could not begin before it: the last real error is returned at once", () => {
    const { requests, attempt, caller, clock } = scripted({ deadline: 20 });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    // The back-off would be 25 ms.
    expect(caller.heard).toEqual(["end UNAVAILABLE"]);
    expect(caller.error?.explain?.stopped).toBe("deadline");
    expect(clock.pending).toBe(0);
  });

  test("lets no attempt begin at it", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({
      deadline: 25,
      minAttemptMs: 0,
      random: () => 0.5,
    });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(1_000);
    expect(attempts).toHaveLength(1);
    expect(caller.heard).toHaveLength(1);
  });

  test("lets none begin with less than the least useful time", () => {
    const { requests, attempt, caller } = scripted({ deadline: 100, minAttemptMs: 80 });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    expect(caller.error?.explain?.stopped).toBe("deadline");
  });

  test("that has passed is what the caller hears, with the attempts", async () => {
    const { requests, attempt, caller, advance } = scripted({ deadline: 100 });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(101);
    attempt(2).fail("UNAVAILABLE");
    expect(caller.error).toMatchObject({ code: "DEADLINE_EXCEEDED", explain: { stopped: "deadline" } });
    expect(caller.error?.explain?.attempts).toHaveLength(2);
  });

  test("of the rules is a limit beside the caller's", () => {
    expect(scripted({ timeoutMs: 50 }).call.deadline).toBe(50);
    expect(scripted({ timeoutMs: 50, deadline: 20 }).call.deadline).toBe(20);
  });
});

describe("an attempt timeout", () => {
  test("cancels the attempt, and moves on while there is time", async () => {
    const { requests, attempt, caller, advance, clock, events } = scripted({ attemptTimeoutMs: 200, deadline: 1_000 });
    requests.message(1, true);
    expect(attempt(1).call.deadline).toBe(200);
    await advance(200);
    expect(attempt(1).cancelledWith?.code).toBe("DEADLINE_EXCEEDED");
    await advance(25);
    expect(attempt(2).call.deadline).toBe(425);
    attempt(2).answer("fast");
    expect(caller.heard).toEqual(["message fast", "end"]);
    expect(events[0]).toMatchObject({ code: "DEADLINE_EXCEEDED", next: "retry", elapsedMs: 200 });
    expect(clock.pending).toBe(0);
  });

  test("is not later than the call's deadline", () => {
    expect(scripted({ attemptTimeoutMs: 200, deadline: 100 }).attempt(1).call.deadline).toBe(100);
  });

  test("holds for transports that do not end what is cancelled, whose end is late and unheard", async () => {
    const { requests, attempt, attempts, caller, advance } = scripted({ attemptTimeoutMs: 200 });
    attempt(1).endsWhenCancelled = false;
    requests.message(1, true);
    await advance(300);
    expect(attempts).toHaveLength(2);
    attempt(1).answer("late");
    expect(caller.heard).toEqual([]);
    attempt(2).answer("fast");
    expect(caller.heard).toEqual(["message fast", "end"]);
  });

  test("ends when a response has come", async () => {
    const { requests, attempt, attempts, advance, clock } = scripted({ kind: "serverStream", attemptTimeoutMs: 200 });
    requests.message(1, true);
    attempt(1).responses.message("first");
    expect(clock.pending).toBe(0);
    await advance(1_000);
    expect(attempts).toHaveLength(1);
    expect(attempt(1).cancelledWith).toBeUndefined();
  });

  test("of an unsafe method is final", async () => {
    const { requests, attempts, caller, advance } = scripted({ effect: "unsafe", attemptTimeoutMs: 200 });
    requests.message(1, true);
    await advance(1_000);
    expect(attempts).toHaveLength(1);
    expect(caller.error).toMatchObject({ code: "DEADLINE_EXCEEDED", explain: { stopped: "not retryable" } });
  });
});

describe("the budget", () => {
  test("that says no ends the call now, with its last outcome", async () => {
    const budget = new RetryBudget({ floorPerSecond: 0 });
    for (let i = 0; i < 10; i++) budget.take(0);
    const { requests, attempt, attempts, caller, clock, advance } = scripted({ budget });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    expect(caller.heard).toEqual(["end UNAVAILABLE"]);
    expect(caller.error?.explain?.stopped).toBe("budget");
    expect(clock.pending).toBe(0);
    await advance(10_000);
    expect(attempts).toHaveLength(1);
  });

  test("that is empty neither cancels nor holds up what runs", async () => {
    const budget = new RetryBudget({ floorPerSecond: 0 });
    const { requests, attempt, caller, advance } = scripted({ budget });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(25);
    for (let i = 0; i < 20; i++) budget.take(25);
    expect(attempt(2).cancelledWith).toBeUndefined();
    attempt(2).answer("fine");
    expect(caller.heard).toEqual(["message fine", "end"]);
  });

  test("is paid when the retry is scheduled: of 64 calls that fail together, as many wait as there are tokens", async () => {
    const budget = new RetryBudget({ floorPerSecond: 0 });
    const { begin, attempts, caller, clock } = scripted({ budget });
    for (let i = 0; i < 63; i++) begin();
    for (const one of attempts.slice()) one.fail("UNAVAILABLE");
    expect(caller.ends).toHaveLength(60);
    expect(clock.pending).toBe(4);
  });

  test("gains by success and not by other ends", async () => {
    const budget = new RetryBudget();
    budget.take(0);
    const { begin, requests, attempts } = scripted({ budget });
    begin();
    attempts[0]?.fail("INVALID_ARGUMENT");
    requests.cancel(new RpcError("CANCELLED"));
    expect(budget.tokens).toBe(9);
    attempts[1]?.answer(1);
    expect(budget.tokens).toBeCloseTo(9.1);
  });
});

describe("cancelling", () => {
  const cancelled = (): RpcError => new RpcError("CANCELLED", "the caller cancelled");

  test("while an attempt runs ends it and the call, once, with that error and its story", () => {
    const { requests, attempt, caller, clock } = scripted({ attemptTimeoutMs: 500, peers: ["a:1"] });
    requests.message(1, true);
    const error = cancelled();
    requests.cancel(error);
    expect(attempt(1).cancelledWith).toBe(error);
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(caller.error).toBe(error);
    expect(error.explain).toMatchObject({ stopped: "cancelled", attempts: [{ peer: "a:1", phase: "waiting" }] });
    expect(clock.pending).toBe(0);
  });

  test("during back-off ends at once, and no attempt begins", async () => {
    const { requests, attempt, attempts, caller, advance, clock } = scripted({ peers: ["a:1"] });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    requests.cancel(cancelled());
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(clock.pending).toBe(0);
    await advance(10_000);
    expect(attempts).toHaveLength(1);
    expect(caller.error?.explain).toMatchObject({
      stopped: "cancelled",
      attempts: [{ peer: "a:1", code: "UNAVAILABLE" }],
    });
  });

  test("before a move begins keeps it from beginning", async () => {
    const { requests, attempt, attempts, caller, settled } = scripted();
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE", { processed: "no" });
    requests.cancel(cancelled());
    await settled();
    expect(attempts).toHaveLength(1);
    expect(caller.heard).toEqual(["end CANCELLED"]);
  });

  test("a retry cancels that attempt", async () => {
    const { requests, attempt, caller, advance } = scripted();
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(100);
    requests.cancel(cancelled());
    expect(attempt(2).cancelledWith?.code).toBe("CANCELLED");
    expect(caller.heard).toEqual(["end CANCELLED"]);
  });

  test("while the next handler is taking an attempt cancels that one too, and sends it nothing", async () => {
    const { requests, attempt, attempts, caller, advance, clock } = scripted({
      attemptTimeoutMs: 60_000,
      onAttemptStart: (one) => {
        if (one.call.attempt === 2) requests.cancel(cancelled());
      },
    });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(1_000);
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(attempts).toHaveLength(2);
    expect(attempt(2).cancelledWith?.code).toBe("CANCELLED");
    expect(attempt(2).sent).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("does not wait for a transport that is slow to end, and leaves no timer", () => {
    const { requests, attempt, caller, clock } = scripted({ attemptTimeoutMs: 60_000 });
    attempt(1).endsWhenCancelled = false;
    requests.message(1, true);
    requests.cancel(cancelled());
    expect(caller.heard).toEqual(["end CANCELLED"]);
    expect(clock.pending).toBe(0);
    attempt(1).answer("late");
    attempt(1).responses.ready();
    attempt(1).responses.header(new Metadata());
    expect(caller.heard).toEqual(["end CANCELLED"]);
  });

  test("by the deadline tells of the attempts and that time was what stopped them", async () => {
    const { requests, attempt, caller, advance } = scripted({ deadline: 1_000 });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    await advance(1_000);
    requests.cancel(new RpcError("DEADLINE_EXCEEDED"));
    expect(caller.error?.explain).toMatchObject({ stopped: "deadline", timeoutMs: 1_000 });
    expect(caller.error?.explain?.attempts).toHaveLength(2);
  });

  test("twice, or after the end, does nothing more", () => {
    const { requests, attempt, caller } = scripted();
    requests.message(1, true);
    requests.cancel(cancelled());
    requests.cancel(cancelled());
    expect(requests.message(2, true)).toBe(true);
    requests.end();
    requests.ready();
    attempt(1).answer(3);
    expect(caller.heard).toEqual(["end CANCELLED"]);
  });

  test("from inside the first response stops the rest", () => {
    const { requests, attempt, caller } = scripted({ kind: "serverStream" });
    requests.message(1, true);
    const one: ScriptedAttempt = attempt(1);
    caller.headers.push = () => {
      requests.cancel(cancelled());
      return 1;
    };
    one.responses.header(new Metadata());
    one.responses.message("unwanted");
    expect(caller.heard).toEqual(["header", "end CANCELLED"]);
  });
});

test("what a call's progress says does not make an earlier attempt undone", async () => {
  const { requests, attempt, advance } = scripted();
  requests.message(1, true);
  attempt(1).fail("UNAVAILABLE", { processed: "unknown" });
  expect(requests.progress().phase).not.toBe("connecting");
  await advance(100);
  attempt(2).phase = "connecting";
  expect(requests.progress().phase).not.toBe("connecting");
});

describe("rules", () => {
  test("of a method go before its service's, and those before the client's", async () => {
    const name = "test.v1.Scripted";
    const counts: Record<string, number> = {};
    for (const [label, methods] of Object.entries({
      client: {},
      service: { [name]: { attempts: 2 } },
      method: { [`${name}/call`]: { attempts: 4 }, [name]: { attempts: 2 } },
      never: { [`${name}/call`]: false as const },
    })) {
      const { requests, attempts, advance } = scripted({ attempts: 3, methods });
      requests.message(1, true);
      for (let i = 0; i < 10; i++) {
        attempts.at(-1)?.fail("UNAVAILABLE");
        await advance(1_000);
      }
      counts[label] = attempts.length;
    }
    expect(counts).toEqual({ client: 3, service: 2, method: 4, never: 1 });
  });

  test("of a call go before all others", async () => {
    const values = new ContextValues().set(retryRules, { attempts: 1 });
    const { requests, attempt, caller } = scripted({ values });
    requests.message(1, true);
    attempt(1).fail("UNAVAILABLE");
    expect(caller.error?.explain?.stopped).toBe("attempts");
  });

  test("of a call that are false let it through as it is", () => {
    const values = new ContextValues().set(retryRules, false);
    const { requests, attempt, caller, call } = scripted({ values });
    requests.message(1, true);
    expect(attempt(1).call).toBe(call);
    attempt(1).fail("UNAVAILABLE", { processed: "no" });
    expect(caller.heard).toEqual(["end UNAVAILABLE"]);
    expect(caller.error?.explain).toBeUndefined();
  });

  test.each([{ attempts: 0 }, { hedge: true, attempts: 2 }, "many", null])(
    "of a call that make no sense, %j, end it with INTERNAL before it is sent",
    (rules) => {
      const values = new ContextValues().set(retryRules, rules as never);
      const { attempts, caller, requests } = scripted({ values });
      requests.message(1, true);
      requests.end();
      requests.cancel(new RpcError("CANCELLED"));
      expect(attempts).toHaveLength(0);
      expect(caller.heard).toEqual(["end INTERNAL"]);
      expect(caller.error).toMatchObject({ processed: "no" });
      expect(caller.error?.message).toContain("retry rules of the call");
    },
  );

  test("can opt in to INTERNAL and UNKNOWN", async () => {
    const { requests, attempt, attempts, advance } = scripted({ codes: ["UNAVAILABLE", "INTERNAL"] });
    requests.message(1, true);
    attempt(1).fail("INTERNAL");
    await advance(100);
    expect(attempts).toHaveLength(2);
  });

  test("can make calls wait for a connection", () => {
    expect(scripted({ waitForReady: true }).call.waitForReady).toBe(true);
  });
});

describe("a call made by an attempt that is not the first", () => {
  test.each([
    [1, 6, 6],
    [2, 6, 3],
    [3, 3, 1],
  ])("attempt %i with %i attempts allowed makes %i", async (arriving, allowed, made) => {
    const { requests, attempts, advance } = scripted({ attempts: allowed, ambient: () => ({ attempt: arriving }) });
    requests.message(1, true);
    for (let i = 0; i < 10; i++) {
      attempts.at(-1)?.fail("UNAVAILABLE");
      await advance(1_000);
    }
    expect(attempts).toHaveLength(made);
  });
});

test("adaptive throttling holds calls back unsent when nothing is accepted, and says so", async () => {
  let dice = 0.99;
  const { begin, attempts, caller } = scripted({ throttle: true, budget: false, attempts: 1, random: () => dice });
  for (let i = 0; i < 50; i++) begin();
  for (const one of attempts.slice()) one.fail("UNAVAILABLE");
  dice = 0.5;
  const sent = attempts.length;
  begin();
  expect(attempts).toHaveLength(sent);
  const last = caller.ends.at(-1)?.error;
  expect(last).toMatchObject({ code: "UNAVAILABLE", processed: "no", explain: { stopped: "throttled", attempts: [] } });
  expect(last?.explanation).toBe("after 0 ms: nothing was sent; not retried: throttled");
  dice = 0.95;
  begin();
  expect(attempts).toHaveLength(sent + 1);
});

test("errors of the application count as accepted", () => {
  const { begin, attempts } = scripted({ throttle: true, attempts: 1, random: () => 0 });
  for (let i = 0; i < 50; i++) {
    attempts.at(-1)?.fail("NOT_FOUND");
    begin();
  }
  expect(attempts).toHaveLength(51);
});
