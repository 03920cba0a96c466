import { describe, expect, test } from "vitest";
import { failure, formatExplanation, Metadata, RpcError, type } from "../src/index.ts";

const other = (await import(/* @vite-ignore */ `../src/rpc-error.ts${"?copy"}`)) as { RpcError: typeof RpcError };

describe("RpcError", () => {
  test("has its code in front of its message, and both alone", () => {
    const error = new RpcError("NOT_FOUND", "no such account");
    expect(error.message).toBe("NOT_FOUND: no such account");
    expect(error.rawMessage).toBe("no such account");
    expect(String(error)).toBe("RpcError: NOT_FOUND: no such account");
    expect(new RpcError("ABORTED").message).toBe("ABORTED");
    expect("cause" in error).toBe(false);
    expect(error).toMatchObject({ processed: "unknown", details: [], retryAfterMs: undefined, remote: false });
    expect(error.metadata.size).toBe(0);
  });

  test("is recognised across two copies of the package", () => {
    expect(other.RpcError).not.toBe(RpcError);
    const foreign = new other.RpcError("ABORTED", "x");
    expect(foreign instanceof RpcError).toBe(true);
    expect(new RpcError("ABORTED") instanceof other.RpcError).toBe(true);
    expect(RpcError.from(foreign)).toBe(foreign);
    expect(
      failure("a.B", { data: type<number>() }).is(
        new other.RpcError("ABORTED", "", { details: [{ type: "a.B", data: 1 }] }),
      ),
    ).toBe(true);
  });

  test.each([undefined, null, 1, "RpcError", {}, new Error("x"), { code: "ABORTED" }])("%j is none", (value) => {
    expect(value instanceof RpcError).toBe(false);
  });

  test("a class that extends it has instances of its own", () => {
    class Special extends RpcError {}
    expect(new RpcError("ABORTED") instanceof Special).toBe(false);
    expect(new Special("ABORTED") instanceof Special).toBe(true);
    expect(new Special("ABORTED") instanceof RpcError).toBe(true);
  });

  test("from() is the door for errors of unknown origin", () => {
    const known = new RpcError("ABORTED");
    expect(RpcError.from(known)).toBe(known);
    const plain = new TypeError("oops");
    expect(RpcError.from(plain)).toMatchObject({ code: "UNKNOWN", rawMessage: "oops", cause: plain });
    expect(RpcError.from(plain, "INTERNAL").code).toBe("INTERNAL");
    expect(RpcError.from("text")).toMatchObject({ code: "UNKNOWN", rawMessage: "text", cause: "text" });
    expect(RpcError.from(undefined).rawMessage).toBe("undefined");
    expect(RpcError.from(AbortSignal.abort().reason).code).toBe("CANCELLED");
    expect(RpcError.from(new DOMException("late", "TimeoutError")).code).toBe("DEADLINE_EXCEEDED");
  });

  test.each([
    [Number.NaN, RangeError],
    [-1, RangeError],
    [Infinity, RangeError],
    ["soon", TypeError],
    [null, TypeError],
  ])("a `retryAfterMs` of %j is refused, because a caller would hear 0", (retryAfterMs, error) => {
    const make = () => new RpcError("UNAVAILABLE", "busy", { retryAfterMs: retryAfterMs as number });
    expect(make).toThrow(error);
    expect(make).toThrow("retryAfterMs");
    expect(() => new RpcError("UNAVAILABLE").with({ retryAfterMs: retryAfterMs as number })).toThrow(error);
  });

  test.each([undefined, 0, 0.5, 1e12, "never"] as const)("a `retryAfterMs` of %j is kept", (retryAfterMs) => {
    expect(new RpcError("UNAVAILABLE", "busy", { retryAfterMs }).retryAfterMs).toBe(retryAfterMs);
  });

  test("relay() is a copy that is this server's own", () => {
    const remote = new RpcError("NOT_FOUND", "gone", {
      remote: true,
      peer: "10.0.0.1:1",
      processed: "no",
      retryAfterMs: "never",
      details: [{ type: "a.B", data: 1 }],
      metadata: new Metadata({ a: "1" }),
    });
    const own = remote.relay();
    expect(own).toMatchObject({
      code: "NOT_FOUND",
      rawMessage: "gone",
      remote: false,
      retryAfterMs: "never",
      cause: remote,
    });
    expect(own.details).toEqual(remote.details);
    expect(own.metadata.get("a")).toBe("1");
    // What the other server knew of its call says nothing about this one's.
    expect(own).toMatchObject({ processed: "unknown", peer: undefined, explain: undefined });
  });

  test("its explanation tells when later attempts began, and of a call that was never sent", () => {
    const attempt = { phase: "waiting", peer: "10.0.0.7:7001", elapsedMs: 20, code: "UNAVAILABLE" } as const;
    const story = { elapsedMs: 61, timeoutMs: Infinity, stopped: "attempts" } as const;
    expect(
      formatExplanation({ ...story, attempts: [attempt, { ...attempt, peer: "10.0.0.8:7001", delayMs: 21 }] }),
    ).toBe(
      "after 61 ms: waiting for 10.0.0.7:7001 (20 ms): UNAVAILABLE; " +
        "21 ms later waiting for 10.0.0.8:7001 (20 ms): UNAVAILABLE; not retried: attempts",
    );
    expect(formatExplanation({ ...story, elapsedMs: 0, attempts: [], stopped: "throttled" })).toBe(
      "after 0 ms: nothing was sent; not retried: throttled",
    );
  });

  test("its explanation is one line that names every attempt", () => {
    const error = new RpcError("DEADLINE_EXCEEDED");
    expect(error.explanation).toBe("");
    error.explain = {
      elapsedMs: 502.4,
      timeoutMs: 500,
      attempts: [
        { phase: "connecting", elapsedMs: 100, connectMs: 99.6, code: "UNAVAILABLE", note: "refused" },
        { phase: "waiting", peer: "10.0.0.7:7001", elapsedMs: 402, code: "DEADLINE_EXCEEDED" },
      ],
      stopped: "deadline",
    };
    expect(error.explanation).toBe(
      "after 502 ms of 500 ms: connecting (100 ms, 100 ms of it connecting, refused): UNAVAILABLE; " +
        "waiting for 10.0.0.7:7001 (402 ms): DEADLINE_EXCEEDED; not retried: deadline",
    );
    expect(formatExplanation({ ...error.explain, timeoutMs: Infinity })).toMatch(/^after 502 ms: /);
  });
});
