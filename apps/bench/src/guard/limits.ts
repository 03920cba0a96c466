import type { Work } from "../ends/work.ts";
import { bytesPerCall } from "./measure-allocations.ts";
import { cpuRatio } from "./measure-ratio.ts";

/** A figure that must not grow. */
export interface GuardLimit {
  readonly name: string;
  readonly unit: string;
  /** What was measured when the limit was set. */
  readonly measured: number;
  /** More than that is an error. */
  readonly most: number;
  measure(signal: AbortSignal): Promise<number>;
}

const add: Work = { kind: "add", inFlight: 64 };
const order: Work = { kind: "order", inFlight: 64 };
const iterate: Work = { kind: "iterate", messages: 1_000 };
const push: Work = { kind: "push", messages: 1_000 };

/**
 * Whoever makes a call cheaper lowers its limit; whoever has a good reason to make one dearer raises it, and says why in the
 * commit. `node --run guard` prints the figures. Bytes are the same everywhere, and have 12 % of room; ratios have half
 * again as much, because two cores of a busy machine are not the same twice.
 */
export const guardLimits: readonly GuardLimit[] = [
  bytes("a small call", 2_810, 3_150, "farcall-cbor", add, 20_000),
  bytes("a small call in JSON", 3_060, 3_430, "farcall-json", add, 20_000),
  bytes("an order of 1 KiB", 10_200, 11_400, "farcall-cbor", order, 5_000),
  bytes("a message of a stream, for await", 1_290, 1_450, "farcall-cbor", iterate, 20_000),
  bytes("a message of a stream, callbacks", 410, 460, "farcall-cbor", push, 20_000),
  {
    name: "CPU of a small call, by that of a raw TCP echo",
    unit: "×",
    measured: 2.9,
    most: 4.4,
    measure: (signal) => cpuRatio("farcall-cbor", "net", add, signal),
  },
];

function bytes(what: string, measured: number, most: number, contender: string, work: Work, count: number): GuardLimit {
  return {
    name: `allocated for ${what}`,
    unit: "bytes",
    measured,
    most,
    measure: () => bytesPerCall(contender, work, count),
  };
}
