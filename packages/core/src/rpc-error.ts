import { type Explanation, formatExplanation } from "./explain.ts";
import { Metadata, type MetadataInit } from "./metadata.ts";
import { type ErrorCode, type Processed, statusNumbers } from "./status.ts";

/** A typed part of an error. The contract's failures (see `failure()`) make and recognise them. */
export interface ErrorDetail {
  /** The failure's full name, for example `bank.v1.InsufficientFunds`. */
  readonly type: string;
  /** Decoded and valid; `undefined` when this end's contract does not know the type. */
  readonly data: unknown;
}

export interface RpcErrorOptions {
  readonly details?: readonly ErrorDetail[] | undefined;
  /** What travels beside the error: the trailers. */
  readonly metadata?: MetadataInit | undefined;
  /** Default `unknown`. */
  readonly processed?: Processed | undefined;
  /** The server's word on trying again: after so many ms, 0 or more, or (`never`) not at all. */
  readonly retryAfterMs?: number | "never" | undefined;
  /** Stays on this machine. */
  readonly cause?: unknown;
  /** The address that answered. */
  readonly peer?: string | undefined;
  /** Set by transports on an error that another machine sent. */
  readonly remote?: boolean | undefined;
}

const brand: unique symbol = Symbol.for("farcall.RpcError") as never;

/**
 * The one error of this library. `instanceof` works across copies of the package.
 * On a server, throwing one from a handler sends its code, message, declared details and metadata to the caller;
 * anything else that a handler throws crosses as a neutral `UNKNOWN`.
 */
export class RpcError extends Error {
  readonly [brand] = true;
  override readonly name: string = "RpcError";
  readonly code: ErrorCode;
  /** The message without the code in front. */
  readonly rawMessage: string;
  readonly details: readonly ErrorDetail[];
  readonly metadata: Metadata;
  readonly processed: Processed;
  readonly retryAfterMs: number | "never" | undefined;
  readonly peer: string | undefined;
  /** Came from another machine. Thrown on by a handler, it does not count as the handler's own: see `relay()`. */
  readonly remote: boolean;
  /** Where the time went, on errors that a client's call rejects with. */
  explain: Explanation | undefined;

  /**
   * @throws TypeError when the code is not one of an error, or an option has another type than it should; RangeError when
   * `retryAfterMs` is no time.
   */
  constructor(code: ErrorCode, message = "", options: RpcErrorOptions = {}) {
    if (!Object.hasOwn(statusNumbers, code) || (code as string) === "OK") {
      throw new TypeError(`${JSON.stringify(code)} is not the code of an error, such as "NOT_FOUND"`);
    }
    if (typeof message !== "string")
      throw new TypeError("the message of an RpcError is a string; pass errors as `cause`");
    if (options.details !== undefined && !Array.isArray(options.details)) {
      throw new TypeError("the details of an RpcError are a list; `failure()` makes typed ones");
    }
    checkRetryAfter(options.retryAfterMs);
    super(
      message === "" ? code : `${code}: ${message}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.rawMessage = message;
    this.details = options.details ?? [];
    const { metadata } = options;
    this.metadata = metadata instanceof Metadata ? metadata : new Metadata(metadata);
    this.processed = options.processed ?? "unknown";
    this.retryAfterMs = options.retryAfterMs;
    this.peer = options.peer;
    this.remote = options.remote ?? false;
    this.explain = undefined;
  }

  /** `explain` as one line; empty when there is none. */
  get explanation(): string {
    return this.explain === undefined ? "" : formatExplanation(this.explain);
  }

  /** A copy with other properties. The error of a call stays one: see `relay()`. */
  with(changes: RpcErrorOptions): RpcError {
    const { details, metadata, processed, retryAfterMs, peer, remote, cause } = this;
    const options = { details, metadata, processed, retryAfterMs, peer, remote, cause };
    const copy = new RpcError(this.code, this.rawMessage, { ...options, ...changes });
    copy.explain = this.explain;
    return copy;
  }

  /** A copy that a handler may throw on as its own: the author has decided that this server's callers may see it. */
  relay(): RpcError {
    const relayed = this.with({ cause: this, processed: "unknown", peer: undefined, remote: false });
    relayed.explain = undefined;
    return relayed;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // A class that extends this one has instances of its own.
    if (!Object.hasOwn(this, Symbol.hasInstance)) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }

  /** The one door for errors of unknown origin: an `RpcError` stays as it is, an abort is `CANCELLED`, the rest `code`. */
  static from(value: unknown, code: ErrorCode = "UNKNOWN"): RpcError {
    if (value instanceof RpcError) return value;
    if (value instanceof Error) {
      if (value.name === "AbortError") return new RpcError("CANCELLED", value.message, { cause: value });
      if (value.name === "TimeoutError") return new RpcError("DEADLINE_EXCEEDED", value.message, { cause: value });
      return new RpcError(code, value.message, { cause: value });
    }
    return new RpcError(code, String(value), { cause: value });
  }
}

/** A number that is no time would reach callers as "at once", which is the one thing that it can't have meant. */
function checkRetryAfter(ms: number | "never" | undefined): void {
  if (ms === undefined || ms === "never") return;
  if (typeof ms !== "number") throw new TypeError(`retryAfterMs is a number of ms or "never", not a ${typeof ms}`);
  if (!(ms >= 0 && ms < Infinity)) throw new RangeError(`retryAfterMs must be 0 or more, or "never", got ${ms}`);
}
