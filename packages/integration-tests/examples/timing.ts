import { clientInterceptor, contextKey, ContextValues, type ClientInterceptor } from "@farcall/core";

const startedAt = contextKey<number>("startedAt");

/** Tells how long each call took. */
export function timing(tell: (method: string, ms: number, code: string) => void): ClientInterceptor {
  return clientInterceptor("timing", "trace", {
    start(call) {
      (call.values ??= new ContextValues()).set(startedAt, performance.now());
    },
    end(error, _, call) {
      tell(call.method.fullName, performance.now() - (call.values?.get(startedAt) ?? 0), error?.code ?? "OK");
    },
  });
}
