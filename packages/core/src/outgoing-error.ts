import { RpcError } from "./rpc-error.ts";
import type { Method } from "./service.ts";

/**
 * What a caller may learn of an error, decided here and nowhere else. An `RpcError` that this server made on purpose
 * crosses with the details that the method declares. Everything else is somebody's bug or another server's answer: it
 * crosses as UNKNOWN with a neutral message, and the original stays here as the cause.
 */
export function outgoingError(error: unknown, method: Method): RpcError {
  if (!(error instanceof RpcError) || error.remote) {
    return new RpcError("UNKNOWN", "the handler failed", { cause: error, processed: "yes" });
  }
  const declared = error.details.filter((detail) => method.errors.some((failure) => failure.type === detail.type));
  if (declared.length === error.details.length) return error;
  return new RpcError(error.code, error.rawMessage, {
    details: declared,
    metadata: error.metadata,
    processed: error.processed,
    retryAfterMs: error.retryAfterMs,
    cause: error,
  });
}

/** Is this an error that nobody meant, so that somebody should read of it? */
export function isUnexpected(error: RpcError): boolean {
  return error.code === "UNKNOWN" && error.cause !== undefined;
}
