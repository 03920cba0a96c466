import { show } from "./check.ts";
import {
  type Judgement,
  type PolicyInside,
  type RetryPolicy,
  retryPolicy,
  type RetryPolicyOptions,
} from "./retry-policy.ts";
import { withRetry } from "./with-retry.ts";

export interface RetryingFetchOptions extends Omit<RetryPolicyOptions, "decide" | "effect" | "codes"> {
  /** What is asked. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
}

/** As `fetch`, with the explanation of what became of the attempts. */
export interface RetryingFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** The attempts behind an error that it rejected with, or behind a response that it would have liked to be better. */
  readonly explain: RetryPolicy["explain"];
}

/** Methods that RFC 9110 calls idempotent. */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Answers of somebody who is busy, restarts, or got no answer himself. */
const passing: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/** Failures to connect, after which no request can have been sent. */
const unsent: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/**
 * A `fetch` that tries again after failed connections and the statuses 408, 425, 429, 502, 503 and 504, and obeys
 * `Retry-After`. Like `fetch`, it resolves to the last response whatever its status.
 *
 * What is sent again: idempotent methods (RFC 9110), requests with an `Idempotency-Key`, and everything that provably was
 * not sent; 429 only with a readable `Retry-After`. A body that can be read only once, a stream, is sent once.
 *
 * @throws RangeError or TypeError that names the option.
 */
export function retryingFetch(options: RetryingFetchOptions = {}): RetryingFetch {
  const { fetch = globalThis.fetch, ...policyOptions } = options;
  if (typeof fetch !== "function") throw new TypeError(`fetch must be a function, got ${show(fetch)}`);
  for (const name of ["decide", "effect", "codes"]) {
    if (name in policyOptions) throw new TypeError(`${name}: retryingFetch decides by method and status`);
  }
  const policy = retryPolicy(policyOptions) as PolicyInside;
  const call = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const request = input instanceof Request ? input : undefined;
    const callersSignal = init.signal ?? request?.signal ?? undefined;
    const traits = traitsOf(request, init);
    let previous: Response | undefined;
    try {
      const own: PolicyInside = { ...policy, judge: (error, timedOut) => judge(error, timedOut, traits) };
      return await withRetry(
        own,
        async ({ signal }) => {
          discard(previous);
          previous = undefined;
          // The body is read after the attempt has ended, under the caller's signal.
          const both = callersSignal === undefined ? signal : AbortSignal.any([callersSignal, signal]);
          let response: Response;
          try {
            response = await fetch(input, { ...init, signal: both });
          } catch (error) {
            throw new FailedFetch(error);
          }
          if (!passing.has(response.status)) return response;
          previous = response;
          throw new FailedFetch(response);
        },
        { signal: callersSignal },
      );
    } catch (error) {
      const outcome = error instanceof FailedFetch ? error.outcome : error;
      if (outcome !== previous) discard(previous);
      const explanation = policy.explain(error);
      if (explanation !== undefined && typeof outcome === "object" && outcome !== null) {
        policy.explanations.set(outcome, explanation);
      }
      if (outcome instanceof Response) return outcome;
      throw outcome;
    }
  };
  return Object.assign(call, { explain: policy.explain });
}

interface Traits {
  readonly isIdempotent: boolean;
  readonly hasReplayableBody: boolean;
}

/** What an attempt ended with, that another may follow. */
class FailedFetch extends Error {
  readonly outcome: unknown;

  constructor(outcome: unknown) {
    super(outcome instanceof Response ? `status ${outcome.status}` : String((outcome as Error | undefined)?.message));
    this.outcome = outcome;
  }
}

function judge(error: unknown, timedOut: boolean, { isIdempotent, hasReplayableBody }: Traits): Judgement {
  if (!hasReplayableBody) return { verdict: "stop" };
  const outcome = error instanceof FailedFetch ? error.outcome : error;
  if (outcome instanceof Response) {
    const after = outcome.headers.get("retry-after");
    if (!isIdempotent || (after === null && outcome.status === 429)) return { verdict: "stop" };
    if (after === null) return { verdict: "retry" };
    const afterMs = retryAfterMs(after);
    return Number.isNaN(afterMs) ? { verdict: "forbidden" } : { verdict: "retry", afterMs };
  }
  const { name, cause } = Object(outcome) as Error;
  if (name === "AbortError" && !timedOut) return { verdict: "stop" };
  return { verdict: isIdempotent || isUnsent(cause) ? "retry" : "stop" };
}

function isUnsent(cause: unknown): boolean {
  // Several addresses were tried: none may have been reached.
  if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isUnsent);
  return unsent.has((cause as { code?: unknown } | undefined)?.code);
}

/** Seconds or a date (RFC 9110, 10.2.3); NaN for what is neither. */
function retryAfterMs(value: string): number {
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const date = /^[A-Za-z]{3,9},/.test(value) ? Date.parse(value) : Number.NaN;
  return Math.max(0, date - Date.now());
}

function traitsOf(request: Request | undefined, init: RequestInit): Traits {
  const method = (init.method ?? request?.method ?? "GET").toUpperCase();
  const headers = new Headers(init.headers ?? request?.headers);
  const body: unknown = init.body ?? request?.body;
  return {
    isIdempotent: idempotent.has(method) || headers.has("idempotency-key"),
    hasReplayableBody: body === undefined || body === null || isReplayable(body),
  };
}

function isReplayable(body: unknown): boolean {
  return (
    typeof body === "string" ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}

/** A response that nobody reads keeps its connection busy until it is cancelled. */
function discard(response: Response | undefined): void {
  response?.body?.cancel().catch(() => {});
}
