import {
  type CallHandler,
  type ClientInterceptor,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
} from "@farcall/core";
import type { Plan } from "./plan.ts";
import { Plans } from "./plan.ts";
import { ReplayPool } from "./replay-buffer.ts";
import { RetriedCall } from "./retried-call.ts";
import { type CompleteOptions, completeOptions, type RetryOptions, retryRules } from "./retry-options.ts";
import type { RetryingClient } from "./retrying-client.ts";
import { TurnClock } from "./turn-clock.ts";

/**
 * A client interceptor that tries calls again: which failures, by the method's effect; where, by what was tried; how
 * often, by rules and budget. Each client that uses it has a budget of its own.
 *
 * @throws RangeError or TypeError that names the option.
 */
export function retry(options: RetryOptions = {}): ClientInterceptor {
  const complete = completeOptions(options);
  return { name: "retry", stage: "retry", wrap: (next) => retrying(next, complete) };
}

function retrying(next: CallHandler<OutgoingCall>, options: CompleteOptions): CallHandler<OutgoingCall> {
  const plans = new Plans(options);
  const client: RetryingClient = {
    next,
    clock: options.clock,
    turnClock: new TurnClock(options.clock),
    random: options.random,
    budget: options.budget(),
    throttle: options.throttle(),
    replay: new ReplayPool(options.replay.maxBytesPerCall, options.replay.maxBytes),
    onAttempt: options.onAttempt,
    ambient: options.ambient,
  };
  return (call, responses) => {
    let plan: Plan | false = plans.of(call.method);
    if (call.values !== undefined) {
      const own = call.values.get(retryRules);
      if (own === false) return next(call, responses);
      if (own !== undefined) {
        try {
          plan = plans.own(call, own);
        } catch (error) {
          return refuse(error as Error, responses);
        }
      }
    }
    if (plan === false) return next(call, responses);
    const retried = new RetriedCall(client, plan, call, responses);
    retried.begin();
    return retried;
  };
}

/** A call whose own rules make no sense ends at once, as one does whose time limit makes none. */
function refuse(error: Error, responses: ResponseSink): RequestSink {
  responses.end(new RpcError("INTERNAL", error.message, { processed: "no", cause: error }), undefined);
  return nowhere;
}

const nowhere: RequestSink = {
  message: () => true,
  end: () => {},
  cancel: () => {},
  ready: () => {},
  progress: () => ({ phase: "connecting" }),
};
