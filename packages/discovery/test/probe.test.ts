import { type CallHandler, type OutgoingCall, type ResponseSink, RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { healthWatch } from "../src/health-watch.ts";
import { Probe } from "../src/probe.ts";
import { virtualClock } from "./virtual-clock.ts";
import { settled } from "./waits.ts";

interface Watch {
  readonly patient: boolean;
  readonly responses: ResponseSink;
  phase: "connecting" | "waiting";
  asked: unknown;
  cancelled: boolean;
}

/** A probe of an endpoint whose answers the test gives. */
function rig(heeds = true) {
  const clock = virtualClock();
  const watches: Watch[] = [];
  const log: string[] = [];
  const handle: CallHandler<OutgoingCall> = (call, responses) => {
    const watch: Watch = {
      patient: call.waitForReady,
      responses,
      phase: "connecting",
      asked: undefined,
      cancelled: false,
    };
    watches.push(watch);
    return {
      message(value) {
        watch.asked = value;
        return true;
      },
      cancel(error) {
        watch.cancelled = true;
        responses.end(error, undefined);
      },
      end: () => {},
      ready: () => {},
      progress: () => ({ phase: watch.phase, peer: "10.0.0.7:7001" }),
    };
  };
  const probe = new Probe(
    handle,
    healthWatch("shop", undefined),
    { heeds, clock, random: () => 0.5 },
    {
      connecting: (reason) => log.push(`connecting${reason === undefined ? "" : `: ${reason}`}`),
      answered: (status, peer) => log.push(`answered ${status} from ${peer}`),
      unreachable: (error) => log.push(`unreachable: ${error.rawMessage}`),
    },
  );
  const last = (): Watch => watches.at(-1) as Watch;
  const lose = (message = "lost"): void => last().responses.end(new RpcError("UNAVAILABLE", message), undefined);
  const answer = (status: string): void => void last().responses.message({ status });
  return { clock, watches, log, probe, last, lose, answer };
}

const remote = (code: "UNIMPLEMENTED" | "UNAVAILABLE"): RpcError => new RpcError(code, "no", { remote: true });

describe("a probe", () => {
  test("asks for the health of a service, and hears each change", () => {
    const { log, probe, last, answer } = rig();
    probe.start();
    expect(last().asked).toEqual({ service: "shop" });
    answer("SERVING");
    answer("NOT_SERVING");
    expect(log).toEqual([
      "connecting",
      "answered SERVING from 10.0.0.7:7001",
      "answered NOT_SERVING from 10.0.0.7:7001",
    ]);
    probe.stop();
    expect(last().cancelled).toBe(true);
  });

  test("waits for a connection once there was none, and pauses when even that fails", () => {
    const { clock, watches, log, probe, lose, answer } = rig();
    probe.start();
    lose("refused");
    expect(log).toEqual(["connecting", "unreachable: refused"]);
    expect(watches.map((one) => one.patient)).toEqual([false, true]);
    lose("refused again");
    expect(watches.length).toBe(2);
    clock.advance(1_000);
    expect(watches.length).toBe(3);
    answer("SERVING");
    expect(log.at(-1)).toBe("answered SERVING from 10.0.0.7:7001");
    probe.stop();
    expect(clock.timers).toBe(0);
  });

  test("asks at once when a connection is lost, but not on and on when it never lasts", async () => {
    const { clock, watches, log, probe, lose, answer } = rig();
    probe.start();
    answer("SERVING");
    lose();
    expect(log.at(-1)).toBe("connecting: lost");
    // Not inside the event: the transport is in the middle of losing the connection.
    expect(watches.length).toBe(1);
    await settled();
    expect(watches.length).toBe(2);
    answer("SERVING");
    lose();
    await settled();
    expect(watches.length).toBe(2);
    clock.advance(1_000);
    expect(watches.length).toBe(3);
    answer("SERVING");
    clock.advance(6_000);
    lose();
    await settled();
    expect(watches.length).toBe(4);
    probe.stop();
  });

  test("that is stopped before it could ask anew does not ask", async () => {
    const { clock, watches, probe, lose, answer } = rig();
    probe.start();
    answer("SERVING");
    lose();
    probe.stop();
    await settled();
    expect(watches.length).toBe(1);
    expect(clock.timers).toBe(0);
  });

  test("a server without the health service answers, and is not asked again", () => {
    const { clock, watches, log, probe, last } = rig();
    probe.start();
    last().responses.end(remote("UNIMPLEMENTED"), undefined);
    expect(log.at(-1)).toBe("answered undefined from undefined");
    clock.advance(10_000_000);
    expect(watches.length).toBe(1);
    expect(clock.timers).toBe(0);
  });

  test("a watch that the server ends is begun again after a while", () => {
    const { clock, watches, probe, last, answer } = rig();
    probe.start();
    answer("SERVING");
    last().responses.end(undefined, undefined);
    expect(watches.length).toBe(1);
    clock.advance(1_000);
    expect(watches.length).toBe(2);
    last().responses.end(remote("UNAVAILABLE"), undefined);
    clock.advance(1_600);
    expect(watches.length).toBe(3);
    probe.stop();
  });

  test("one that says hello and then nothing counts as one that answers; one that connects does not", () => {
    const { clock, log, probe, last } = rig();
    probe.start();
    clock.advance(60_000);
    expect(log).toEqual(["connecting"]);
    last().phase = "waiting";
    clock.advance(5_000);
    expect(log).toEqual(["connecting", "answered undefined from 10.0.0.7:7001"]);
    probe.stop();
  });

  test("moves to the connection that new calls use, now and then", () => {
    const { clock, watches, log, probe, answer } = rig();
    probe.start();
    answer("SERVING");
    clock.advance(300_000);
    expect(watches.map((one) => one.cancelled)).toEqual([true, false]);
    answer("SERVING");
    expect(log).toEqual(["connecting", "answered SERVING from 10.0.0.7:7001", "answered SERVING from 10.0.0.7:7001"]);
    probe.stop();
    expect(clock.timers).toBe(0);
  });

  test("that does not heed health ends its call with the first answer", () => {
    const { clock, log, probe, last, answer } = rig(false);
    probe.start();
    answer("NOT_SERVING");
    expect(log.at(-1)).toBe("answered undefined from 10.0.0.7:7001");
    expect(last().cancelled).toBe(true);
    expect(clock.timers).toBe(0);
  });
});
