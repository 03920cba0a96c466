import type { CallContext } from "./call-context.ts";
import type { MessageReader } from "./message-reader.ts";
import type { MessageWriter, Messages } from "./message-writer.ts";
import type { InputOf, OutputOf } from "./schema.ts";
import type { MethodShape, MethodShapes, Service } from "./service.ts";

/**
 * A streaming handler that sends its responses itself instead of yielding them: for hot streams, at about a third of the
 * cost per message. The stream ends when `push` returns, or its promise settles.
 *
 *     watch: {
 *       async push({ symbol }, out) {
 *         for (const quote of quotes(symbol)) if (!out.send(quote)) await out.ready()
 *       },
 *     }
 */
export interface PushHandler<In, Out, P = unknown> {
  push(input: In, out: MessageWriter<Out>, context: CallContext<P>): void | Promise<void>;
}

/** Does a handler send its responses itself? */
export function isPush(handler: unknown): handler is PushHandler<unknown, unknown> {
  return typeof handler === "object" && handler !== null && typeof (handler as { push?: unknown }).push === "function";
}

/** A handler's type by its method: it gets the schema's output type and gives the input type of the response's. */
export type Handler<M extends MethodShape, P = unknown> = M["kind"] extends "unary"
  ? (input: OutputOf<M["input"]>, context: CallContext<P>) => InputOf<M["output"]> | Promise<InputOf<M["output"]>>
  : M["kind"] extends "serverStream"
    ? | ((input: OutputOf<M["input"]>, context: CallContext<P>) => Messages<InputOf<M["output"]>>)
      | PushHandler<OutputOf<M["input"]>, InputOf<M["output"]>, P>
    : M["kind"] extends "clientStream"
      ? (
          requests: MessageReader<OutputOf<M["input"]>>,
          context: CallContext<P>,
        ) => InputOf<M["output"]> | Promise<InputOf<M["output"]>>
      : | ((requests: MessageReader<OutputOf<M["input"]>>, context: CallContext<P>) => Messages<InputOf<M["output"]>>)
        | PushHandler<MessageReader<OutputOf<M["input"]>>, InputOf<M["output"]>, P>;

/** One handler per method of a service. `P` is the type of `context.principal`. */
export type Handlers<S extends Service, P = unknown> =
  S extends Service<infer M extends MethodShapes> ? { readonly [K in keyof M]: Handler<M[K], P> } : never;
