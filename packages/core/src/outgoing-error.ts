import type { CallContext } from "./call-context.ts";
import { RpcError } from "./rpc-error.ts";
import type { Method } from "./service.ts";
import { statusNumbers } from "./status.ts";

/**
 * What a caller may learn of an error, decided here and nowhere else. An `RpcError` that this server made on purpose
 * crosses with the details that the method declares. Everything else is somebody's bug or how a call to another server
 * ended: it crosses as UNKNOWN with a neutral message, and the original stays here as the cause.
 */
export function outgoingError(error: unknown, method: Method): RpcError {
  // What a call of this server failed with, here or over there, has an explanation. Its `processed` is not this call's.
  if (!(error instanceof RpcError) || !isSound(error) || error.remote || error.explain !== undefined) {
    return new RpcError("UNKNOWN", "the handler failed", { cause: error, processed: "yes" });
  }
  const declared = error.details.filter((detail) => method.errors.some((failure) => failure.type === detail.type));
  if (declared.length === error.details.length) return error;
  return error.with({ details: declared, cause: error });
}

/** Has the error what its constructor gave it? It may have been changed since, or come from another copy of the package. */
function isSound({ code, rawMessage, details }: RpcError): boolean {
  const isCode = Object.hasOwn(statusNumbers, code) && (code as string) !== "OK";
  return isCode && typeof rawMessage === "string" && Array.isArray(details);
}

/** What a caller may learn of what the handler threw. */
export function handlerError(error: unknown, context: CallContext): RpcError {
  // A call that the handler made has the same deadline and may notice it first.
  if (context.timeLeftMs() === 0) {
    return new RpcError("DEADLINE_EXCEEDED", `${context.method.fullName} has not ended in time`, { cause: error });
  }
  const outgoing = outgoingError(error, context.method);
  // "no" is the author's own word: a handler may shed load before it has done anything.
  return outgoing.processed === "unknown" ? outgoing.with({ processed: "yes" }) : outgoing;
}

/** Is this an error that nobody meant, so that somebody should read of it? */
export function isUnexpected(error: RpcError): boolean {
  return error.code === "UNKNOWN" && error.cause !== undefined;
}
