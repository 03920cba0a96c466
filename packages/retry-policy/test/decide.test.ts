import { type Effect, type ErrorCode, type Processed, statusNumbers } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { decide, type Verdict } from "../src/index.ts";

const effects: readonly Effect[] = ["pure", "natural", "keyed", "at-most-once", "unsafe"];
const codes = Object.keys(statusNumbers).filter((code) => code !== "OK") as ErrorCode[];
const allProcessed: readonly Processed[] = ["no", "unknown", "yes"];
const none = undefined;

interface Row {
  readonly name: string;
  readonly codes: readonly ErrorCode[];
  readonly processed: readonly Processed[];
  readonly pushback: readonly (number | "never" | undefined)[];
  readonly timedOut?: boolean;
  readonly optedIn?: readonly ErrorCode[];
  /** In the order of `effects`. */
  readonly verdicts: readonly [Verdict, Verdict, Verdict, Verdict, Verdict];
}

const final: readonly ErrorCode[] = [
  "CANCELLED",
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "FAILED_PRECONDITION",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
const same = (verdict: Verdict): Row["verdicts"] => [verdict, verdict, verdict, verdict, verdict];
const open: readonly Processed[] = ["unknown", "yes"];
const worked: readonly ErrorCode[] = ["INTERNAL", "UNKNOWN"];

const rows: readonly Row[] = [
  {
    name: "what fails again",
    codes: final,
    processed: allProcessed,
    pushback: [none, 5, "never", Number.NaN],
    optedIn: codes,
    verdicts: same("stop"),
  },
  {
    name: "the call's own deadline",
    codes: ["DEADLINE_EXCEEDED"],
    processed: allProcessed,
    pushback: [none, 5, "never"],
    verdicts: same("stop"),
  },
  {
    name: "the server's no, or what can't be read",
    codes: ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED", ...worked],
    processed: allProcessed,
    pushback: ["never", Number.NaN, -1, Infinity, "soon" as never, null as never],
    optedIn: codes,
    verdicts: same("forbidden"),
  },
  {
    name: "provably unprocessed",
    codes: ["UNAVAILABLE", "ABORTED", ...worked],
    processed: ["no"],
    pushback: [none],
    verdicts: same("move"),
  },
  {
    name: "provably unprocessed, with pushback",
    codes: ["UNAVAILABLE", ...worked],
    processed: ["no"],
    pushback: [0, 5],
    verdicts: same("retry"),
  },
  {
    name: "RESOURCE_EXHAUSTED without pushback",
    codes: ["RESOURCE_EXHAUSTED"],
    processed: allProcessed,
    pushback: [none],
    verdicts: same("stop"),
  },
  {
    name: "RESOURCE_EXHAUSTED with pushback",
    codes: ["RESOURCE_EXHAUSTED"],
    processed: open,
    pushback: [0, 5],
    verdicts: ["retry", "retry", "retry", "retry", "stop"],
  },
  {
    name: "RESOURCE_EXHAUSTED with pushback, unprocessed",
    codes: ["RESOURCE_EXHAUSTED"],
    processed: ["no"],
    pushback: [0, 5],
    verdicts: same("retry"),
  },
  {
    name: "ABORTED, in progress",
    codes: ["ABORTED"],
    processed: open,
    pushback: [0, 5],
    verdicts: ["stop", "stop", "await", "await", "stop"],
  },
  { name: "ABORTED", codes: ["ABORTED"], processed: open, pushback: [none], verdicts: same("stop") },
  {
    name: "UNAVAILABLE, connection lost",
    codes: ["UNAVAILABLE"],
    processed: open,
    pushback: [none, 5],
    verdicts: ["retry", "retry", "retry", "retry", "stop"],
  },
  {
    name: "attempt timeout",
    codes: ["DEADLINE_EXCEEDED"],
    processed: open,
    pushback: [none],
    timedOut: true,
    verdicts: ["retry", "retry", "retry", "retry", "stop"],
  },
  { name: "INTERNAL, UNKNOWN", codes: worked, processed: open, pushback: [none, 5], verdicts: same("stop") },
  {
    name: "INTERNAL, UNKNOWN when opted in",
    codes: worked,
    processed: open,
    pushback: [none, 5],
    optedIn: ["UNAVAILABLE", ...worked],
    verdicts: ["retry", "retry", "retry", "stop", "stop"],
  },
  {
    name: "ABORTED when opted in",
    codes: ["ABORTED"],
    processed: open,
    pushback: [none],
    optedIn: ["ABORTED"],
    verdicts: ["retry", "retry", "retry", "stop", "stop"],
  },
];

const cases = rows.flatMap((row) =>
  row.codes.flatMap((code) =>
    row.processed.flatMap((processed) =>
      row.pushback.flatMap((retryAfterMs) =>
        effects.map((effect, i) => ({ row, code, processed, retryAfterMs, effect, verdict: row.verdicts[i] })),
      ),
    ),
  ),
);

describe.each(rows)("$name", (row) => {
  test.each(cases.filter((one) => one.row === row))(
    "$code, processed $processed, pushback $retryAfterMs: $verdict for $effect",
    ({ code, processed, retryAfterMs, effect, verdict }) => {
      const failure = { code, processed, retryAfterMs, remote: true };
      const optedIn = new Set(row.optedIn ?? ["UNAVAILABLE" as const]);
      expect(decide(failure, effect, optedIn, row.timedOut ?? false)).toBe(verdict);
    },
  );
});

test("every code is in the table", () => {
  expect([...new Set(cases.map(({ code }) => code))].toSorted()).toEqual(codes.toSorted());
});

test("what this end could not send is not sent again, except to a server that is not there", () => {
  const local = { processed: "no", retryAfterMs: undefined, remote: false } as const;
  const optedIn = new Set<ErrorCode>(["UNAVAILABLE", "INTERNAL"]);
  expect(decide({ ...local, code: "INTERNAL" }, "pure", optedIn, false)).toBe("stop");
  expect(decide({ ...local, code: "RESOURCE_EXHAUSTED" }, "pure", optedIn, false)).toBe("stop");
  expect(decide({ ...local, code: "UNAVAILABLE" }, "unsafe", optedIn, false)).toBe("move");
});

test("a code that was not opted in is not retried, UNAVAILABLE included", () => {
  const failure = { code: "UNAVAILABLE", processed: "unknown", retryAfterMs: undefined, remote: true } as const;
  expect(decide(failure, "pure", new Set(["INTERNAL"]), false)).toBe("stop");
});
