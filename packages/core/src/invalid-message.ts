import { type Failure, failure } from "./failure.ts";
import { type Schema, type ValidationIssue, type } from "./schema.ts";

/**
 * What every method may fail with, declared or not: a request that the contract's schema refuses. Any other
 * INVALID_ARGUMENT was made by somebody's handler.
 */
export const InvalidMessage: Failure<Schema<{ issues: readonly ValidationIssue[] }>> = failure(
  "farcall.v1.InvalidMessage",
  { code: "INVALID_ARGUMENT", data: type<{ issues: readonly ValidationIssue[] }>() },
);
