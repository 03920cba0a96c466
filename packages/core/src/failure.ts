import { RpcError, type RpcErrorOptions } from "./rpc-error.ts";
import type { InputOf, OutputOf, Schema } from "./schema.ts";
import type { ErrorCode } from "./status.ts";

/** What `failure()` takes. */
export interface FailureOptions<S extends Schema> {
  /** The status that it crosses with. Default `FAILED_PRECONDITION`. */
  readonly code?: ErrorCode;
  /** What it carries. */
  readonly data: S;
}

/** An `RpcError` that carries this failure's data. */
export interface FailureError<T> extends RpcError {
  readonly data: T;
}

/** What a contract, a codec and a server need to know of a failure. */
export interface FailureType {
  /** The full name, the same at both ends and never reused for another shape. */
  readonly type: string;
  /** The status that it crosses with. */
  readonly code: ErrorCode;
  /** What it carries. */
  readonly schema: Schema;
}

/**
 * A typed error that a contract declares. Calling it makes the error for a handler to throw, `is` recognises it at the
 * caller:
 *
 *     export const InsufficientFunds = failure("bank.v1.InsufficientFunds", { data: z.object({ missing: z.number() }) })
 *     throw InsufficientFunds({ missing: 12 })                          // handler
 *     catch (e) { if (InsufficientFunds.is(e)) e.data.missing }         // caller
 */
export interface Failure<S extends Schema = Schema> extends FailureType {
  (data: InputOf<S>, message?: string, options?: Omit<RpcErrorOptions, "details">): FailureError<InputOf<S>>;
  readonly schema: S;
  is(error: unknown): error is FailureError<OutputOf<S>>;
}

/**
 * Declares a typed error. `type` is its full name, the same at both ends and never reused for another shape.
 * A method lists it under `errors`; details of failures that a method does not list stay on the server.
 */
export function failure<S extends Schema>(type: string, options: FailureOptions<S>): Failure<S> {
  const code = options.code ?? "FAILED_PRECONDITION";
  const make = (data: InputOf<S>, message = type, rest?: Omit<RpcErrorOptions, "details">): FailureError<InputOf<S>> =>
    withData(new RpcError(code, message, { processed: "yes", ...rest, details: [{ type, data }] }), data);
  return Object.assign(make, {
    type,
    code,
    schema: options.data,
    is(error: unknown): error is FailureError<OutputOf<S>> {
      if (!(error instanceof RpcError)) return false;
      const detail = error.details.find((one) => one.type === type);
      if (detail === undefined || detail.data === undefined) return false;
      withData(error, detail.data);
      return true;
    },
  });
}

function withData<T>(error: RpcError, data: T): FailureError<T> {
  Object.defineProperty(error, "data", { value: data, configurable: true, enumerable: true });
  return error as FailureError<T>;
}
