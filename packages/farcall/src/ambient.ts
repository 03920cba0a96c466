import { AsyncLocalStorage } from "node:async_hooks";
import type { CallContext, CallHandler, RequestSink, ResponseSink, ServedCall, ServerInterceptor } from "@farcall/core";

// Empty outside of a handler's run: it is a name for "the handler that is running", not state.
const running = new AsyncLocalStorage<CallContext | undefined>();

/** The context of the handler that is running, also after any number of awaits; undefined outside of handlers. */
export function currentContext(): CallContext | undefined {
  return running.getStore();
}

/**
 * Runs `work` outside of the handler that is running: calls it makes have no deadline but their own, and go on when the
 * handler's call ends.
 *
 *     detach(() => audit.record({ … }))
 */
export function detach<T>(work: () => T): T {
  return running.run(undefined, work);
}

/** Lets the calls that a handler makes find its context. It costs every call a run of AsyncLocalStorage. */
export function ambientContext(): ServerInterceptor {
  return {
    name: "ambient-context",
    stage: "handler",
    wrap: (next) => (call, responses) => enter(next, call, responses),
  };
}

function enter(next: CallHandler<ServedCall>, call: ServedCall, responses: ResponseSink): RequestSink {
  const inner = running.run(call, next, call, responses);
  return {
    message: (value, last) => running.run(call, () => inner.message(value, last)),
    end: () => running.run(call, () => inner.end()),
    cancel: (error) => inner.cancel(error),
    ready: () => inner.ready(),
    progress: () => inner.progress(),
  };
}
