import type { ContextKey } from "./context-values.ts";
import type { Metadata } from "./metadata.ts";
import type { Method } from "./service.ts";
import type { Peer } from "./transport.ts";

/** What a handler knows of its call. `P` is what the server's `auth` hook returns. */
export interface CallContext<P = unknown> {
  readonly method: Method;
  readonly peer: Peer;
  /** Request metadata; empty when the caller sent none. */
  readonly metadata: Metadata;
  /** Who calls, as the server's `auth` hook said; undefined without one. */
  readonly principal: P;
  /** 1 for the caller's first attempt. */
  readonly attempt: number;
  /** When the caller stops waiting, ms on the clock of `performance.now()`; `Infinity` when it set no limit. */
  readonly deadline: number;
  /** Time until then, ms, never negative. */
  timeLeftMs(): number;
  /**
   * Aborts when nobody waits for the answer any more: the caller cancelled or is gone, the deadline passed, the server
   * closes. Its reason is an `RpcError`. Pass it to everything that waits.
   */
  readonly signal: AbortSignal;
  /** Sent before the first response message; changes after that are an error. */
  readonly responseHeader: Metadata;
  /** Sent after the last response message, or with the error. */
  readonly responseTrailer: Metadata;
  /** Sends the response header now instead of with the first message. */
  sendHeader(): void;
  /** The value that an interceptor set. */
  get<T>(key: ContextKey<T>): T;
  set<T>(key: ContextKey<T>, value: T): void;
}
