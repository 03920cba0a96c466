import type { CallContext } from "../call-context.ts";
import { failure } from "../failure.ts";
import type { Handlers } from "../handlers.ts";
import { RpcError } from "../rpc-error.ts";
import { type } from "../schema.ts";
import { bidiStream, clientStream, serverStream, service, unary } from "../service.ts";
import { type ErrorCode, statusNumbers } from "../status.ts";

/** A declared failure. */
export const Refused = failure("compliance.v1.Refused", { code: "ABORTED", data: type<{ why: string }>() });

/** What the transport suite calls: one method of each kind, and some that only wait or fail. */
export const Compliance = service("compliance.v1.Compliance", {
  echo: unary({ input: type<unknown>(), output: type<unknown>() }),
  fail: unary({ input: type<string>(), output: type<string>(), errors: [Refused] }),
  wait: unary({ input: type<string>(), output: type<string>() }),
  count: serverStream({ input: type<{ n: number; pad: number }>(), output: type<{ i: number; pad: string }>() }),
  endless: serverStream({ input: type<string>(), output: type<number>() }),
  sum: clientStream({ input: type<{ i: number; pad: string }>(), output: type<{ sum: number; inOrder: boolean }>() }),
  first: clientStream({ input: type<number>(), output: type<number>() }),
  talk: bidiStream({ input: type<string>(), output: type<string>() }),
});

/** What happened in the handlers. */
export interface HandlerLog {
  /** Calls of `wait` and `endless` that began. */
  began: string[];
  /** What their signals aborted with. */
  aborted: string[];
  /** Generators whose `finally` ran. */
  finished: number;
  /** Messages that `count` has sent. */
  sent: number;
  /** Ends the calls of `wait` that are open. */
  release: (() => void)[];
  /** Does `sum` read? */
  reading: Promise<void>;
}

export function handlersWith(log: HandlerLog): Handlers<typeof Compliance> {
  const watch = (name: string, context: CallContext): void => {
    log.began.push(name);
    context.signal.addEventListener("abort", () => log.aborted.push((context.signal.reason as RpcError).code));
  };
  return {
    echo(value, context) {
      for (const [key, one] of context.metadata) {
        if (key.startsWith("h-")) context.responseHeader.append(key, one);
        if (key.startsWith("t-")) context.responseTrailer.append(key, one);
      }
      return value === "time left" ? context.timeLeftMs() : value;
    },
    fail(what, context) {
      context.responseTrailer.set("t-trailer", "there");
      if (what in statusNumbers) throw new RpcError(what as ErrorCode, `this is ${what}`);
      if (what === "after 5") throw new RpcError("RESOURCE_EXHAUSTED", "", { retryAfterMs: 5, processed: "no" });
      if (what === "never again") throw new RpcError("UNAVAILABLE", "", { retryAfterMs: "never" });
      if (what === "refused") throw Refused({ why: "tä" });
      throw new Error(what);
    },
    wait(name, context) {
      watch(name, context);
      return new Promise((resolve) => log.release.push(() => resolve(`${name} done`)));
    },
    count: {
      async push({ n, pad }, out) {
        const text = "x".repeat(pad);
        for (let i = 0; i < n && !out.ended; i++) {
          log.sent++;
          if (!out.send({ i, pad: text })) await out.ready();
        }
      },
    },
    async *endless(name, context) {
      watch(name, context);
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        log.finished++;
      }
    },
    async sum(requests) {
      await log.reading;
      let sum = 0;
      let next = 0;
      let inOrder = true;
      for await (const { i } of requests) {
        inOrder &&= i === next++;
        sum += i;
      }
      return { sum, inOrder };
    },
    async first(requests) {
      const { value = -1 } = await requests.next();
      return value;
    },
    async *talk(requests) {
      for await (const one of requests) yield `re: ${one}`;
    },
  };
}
