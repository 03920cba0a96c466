import type { Metadata, OutgoingCall, RequestSink, ResponseSink, RpcError } from "@farcall/core";
import type { Lane } from "./connections.ts";
import type { Target } from "./target.ts";

/** What a call tells the transport that sent it on its way. */
export interface BalancedCallOwner {
  /** It has ended. */
  ended(target: Target, error: RpcError | undefined): void;
  /** The connection was full, and nothing of the call was sent. */
  another(call: OutgoingCall, responses: ResponseSink): RequestSink;
}

/**
 * A call at an endpoint: counts it there, and sees its end. This is made for every call, and is all that is; requests go
 * to the endpoint's transport directly.
 */
export class BalancedCall implements ResponseSink {
  readonly #owner: BalancedCallOwner;
  readonly #target: Target;
  readonly #lane: Lane;
  readonly #responses: ResponseSink;
  #state: "beginning" | "open" | "full" | "ended" = "beginning";

  /** The lane has counted the call. */
  constructor(owner: BalancedCallOwner, target: Target, lane: Lane, responses: ResponseSink) {
    this.#owner = owner;
    this.#target = target;
    this.#lane = lane;
    this.#responses = responses;
    target.outstanding++;
  }

  /** Where the call's requests go. */
  begin(call: OutgoingCall): RequestSink {
    const requests = this.#lane.transport.handle(call, this);
    if (this.#state === "beginning") this.#state = "open";
    else if (this.#state === "full") return this.#owner.another(call, this.#responses);
    return requests;
  }

  header(metadata: Metadata): void {
    this.#responses.header(metadata);
  }

  message(value: unknown): boolean {
    return this.#responses.message(value);
  }

  ready(): void {
    this.#responses.ready();
  }

  end(error: RpcError | undefined, trailers: Metadata | undefined): void {
    if (this.#state === "ended" || this.#state === "full") return;
    const target = this.#target;
    target.outstanding--;
    target.connections.release(this.#lane);
    if (error !== undefined && this.#state === "beginning" && isFull(error) && this.#lane.open > 0) {
      this.#state = "full";
      target.connections.full(this.#lane);
      return;
    }
    this.#state = "ended";
    this.#owner.ended(target, error);
    this.#responses.end(
      error === undefined || error.peer !== undefined ? error : error.with({ peer: target.address }),
      trailers,
    );
  }
}

/** Is it this end that knows that the connection takes no more? */
function isFull(error: RpcError): boolean {
  const { code, processed, remote, retryAfterMs } = error;
  return code === "RESOURCE_EXHAUSTED" && processed === "no" && !remote && retryAfterMs !== undefined;
}
