/**
 * The seventeen outcomes of a call. Names, numbers and meanings are gRPC's
 * (https://grpc.io/docs/guides/status-codes), so that an outcome means the same on every transport.
 */
export const statusNumbers = {
  /** The call succeeded. */
  OK: 0,
  /** The caller cancelled. Not retried. */
  CANCELLED: 1,
  /** The handler failed in a way it did not name. A retry may repeat an effect. */
  UNKNOWN: 2,
  /** The input is wrong whatever the state of the system. A retry fails again. */
  INVALID_ARGUMENT: 3,
  /** The deadline passed first; the effect may or may not have happened. */
  DEADLINE_EXCEEDED: 4,
  /** What was asked for does not exist. */
  NOT_FOUND: 5,
  /** What was to be created exists. */
  ALREADY_EXISTS: 6,
  /** The caller is known and may not do this. */
  PERMISSION_DENIED: 7,
  /** A limit, quota or queue is full. Retried only when the server says when. */
  RESOURCE_EXHAUSTED: 8,
  /** The system is not in the state that this needs; somebody has to act first. */
  FAILED_PRECONDITION: 9,
  /** A conflict with another call. Retry the whole transaction, not only this call. */
  ABORTED: 10,
  /** Past the end of what exists. */
  OUT_OF_RANGE: 11,
  /** The server has no such method. */
  UNIMPLEMENTED: 12,
  /** An invariant broke: undecodable bytes, a protocol error, a bug. */
  INTERNAL: 13,
  /** The server cannot be reached or is going away. The one code that asks for a retry. */
  UNAVAILABLE: 14,
  /** Data is lost or corrupt beyond recovery. */
  DATA_LOSS: 15,
  /** Who the caller is could not be established. */
  UNAUTHENTICATED: 16,
} as const;

/** The name of an outcome, `OK` included. */
export type StatusCode = keyof typeof statusNumbers;

/** The name of a failed outcome. */
export type ErrorCode = Exclude<StatusCode, "OK">;

const statusNames = Object.keys(statusNumbers) as StatusCode[];

/** The code with this number; a number that no specification names is `UNKNOWN`, as gRPC asks. */
export function statusFromNumber(number: number): StatusCode {
  return statusNames[number] ?? "UNKNOWN";
}

/** Was the request seen by a handler? `no` means provably not, so that any call may be sent again elsewhere. */
export type Processed = "no" | "unknown" | "yes";
