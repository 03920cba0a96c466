import { isPush, type PushHandler } from "./handlers.ts";
import type { ServedCall } from "./interceptor.ts";
import { MessageReader } from "./message-reader.ts";
import { gatedWriter, type Messages, pump, RoomGate } from "./message-writer.ts";
import { handlerError } from "./outgoing-error.ts";
import { RpcError } from "./rpc-error.ts";
import type { ServerCall } from "./server-call.ts";
import { streamsRequests, streamsResponses } from "./service.ts";
import { isThenable } from "./thenable.ts";
import type { CallHandler, CallProgress, RequestSink, ResponseSink } from "./transport.ts";

/** A handler of any kind, its types forgotten. */
export type AnyHandler = AnyFunction | PushHandler<unknown, unknown>;
type AnyFunction = (input: unknown, context: unknown) => unknown;

const progress: CallProgress = { phase: "receiving", note: "in the handler" };

/**
 * The innermost handler of a call: gives the requests to the user's function and sends on what it answers. The call that
 * arrives here is the `ServerCall` that the server made, whatever interceptors did on the way.
 */
export function runHandler(handler: AnyHandler): CallHandler<ServedCall> {
  return (call, responses) => {
    const context = call as ServerCall;
    return streamsRequests(call.method.kind)
      ? new ManyRequests(handler, context, responses)
      : new OneRequest(handler, context, responses);
  };
}

/** Unary and server streaming: the handler starts when the caller has sent its request and nothing more. */
class OneRequest implements RequestSink {
  readonly #handler: AnyHandler;
  readonly #context: ServerCall;
  readonly #responses: ResponseSink;
  #gate: RoomGate | undefined = undefined;
  #input: unknown = undefined;
  #received = 0;
  #complete = false;

  constructor(handler: AnyHandler, context: ServerCall, responses: ResponseSink) {
    this.#handler = handler;
    this.#context = context;
    this.#responses = responses;
  }

  message(value: unknown, last: boolean): boolean {
    if (this.#complete) return true;
    this.#received++;
    this.#input = value;
    if (last) this.end();
    return true;
  }

  end(): void {
    if (this.#complete) return;
    this.#complete = true;
    if (this.#received !== 1) {
      const count = this.#received === 0 ? "no request" : "more than one request";
      const message = `${this.#context.method.fullName} takes one request, and the caller sent ${count}`;
      this.#responses.end(new RpcError("INTERNAL", message, { processed: "no" }), undefined);
      return;
    }
    if (!streamsResponses(this.#context.method.kind)) {
      answerOnce(this.#handler as AnyFunction, this.#input, this.#context, this.#responses);
      return;
    }
    this.#gate = new RoomGate();
    answerMany(this.#handler, this.#input, this.#context, this.#responses, this.#gate);
  }

  cancel(error: RpcError): void {
    this.#complete = true;
    this.#context.abort(error);
    this.#gate?.close(error);
    this.#responses.end(error, undefined);
  }

  ready(): void {
    this.#gate?.open();
  }

  progress(): CallProgress {
    return progress;
  }
}

/** Client and bidirectional streaming: the handler starts at once and reads. */
class ManyRequests implements RequestSink {
  readonly #context: ServerCall;
  readonly #responses: ResponseSink;
  readonly #reader: MessageReader<unknown>;
  readonly #gate: RoomGate | undefined;

  constructor(handler: AnyHandler, context: ServerCall, responses: ResponseSink) {
    this.#context = context;
    this.#responses = responses;
    this.#reader = new MessageReader({
      ready: () => responses.ready(),
      // A handler that has read enough may still answer; what the caller sends on is dropped.
      cancel: () => responses.ready(),
    });
    if (streamsResponses(context.method.kind)) {
      this.#gate = new RoomGate();
      // Not before the constructor is through: the handler may end the call at once.
      answerMany(handler, this.#reader, context, responses, this.#gate);
    } else {
      this.#gate = undefined;
      answerOnce(handler as AnyFunction, this.#reader, context, responses);
    }
  }

  message(value: unknown, last: boolean): boolean {
    const room = this.#reader.push(value);
    if (last) this.end();
    return room;
  }

  end(): void {
    this.#reader.finish(undefined);
  }

  cancel(error: RpcError): void {
    // The signal first, so that a generator sees why its `return` is called.
    this.#context.abort(error);
    this.#reader.abort(error);
    this.#gate?.close(error);
    this.#responses.end(error, undefined);
  }

  ready(): void {
    this.#gate?.open();
  }

  progress(): CallProgress {
    return progress;
  }
}

/** Closures are made only for a handler that returns a promise: most calls of a hot server need none. */
function answerOnce(handler: AnyFunction, input: unknown, context: ServerCall, responses: ResponseSink): void {
  try {
    const result = handler(input, context);
    if (!isThenable(result)) return succeed(result, responses);
    context.waitFor(
      result,
      (output) => succeed(output, responses),
      (error) => responses.end(handlerError(error, context), undefined),
    );
  } catch (error) {
    responses.end(handlerError(error, context), undefined);
  }
}

function succeed(output: unknown, responses: ResponseSink): void {
  responses.message(output);
  responses.end(undefined, undefined);
}

function answerMany(
  handler: AnyHandler,
  input: unknown,
  context: ServerCall,
  responses: ResponseSink,
  gate: RoomGate,
): void {
  const send = (message: unknown): boolean => gate.ended || responses.message(message);
  const done = (): void => {
    gate.close(undefined);
    responses.end(undefined, undefined);
  };
  const fail = (error: unknown): void => {
    gate.close(undefined);
    responses.end(handlerError(error, context), undefined);
  };
  try {
    const result = isPush(handler)
      ? handler.push(input, gatedWriter(gate, send), context)
      : pump(messagesOf(handler(input, context), context), gate, send);
    if (isThenable(result)) context.waitFor(result, done, fail);
    else done();
  } catch (error) {
    fail(error);
  }
}

/** What a streaming handler returned, if it is what such a handler returns. */
function messagesOf(result: unknown, context: ServerCall): Messages<unknown> {
  if (typeof result === "object" && result !== null && (Symbol.asyncIterator in result || Symbol.iterator in result)) {
    return result as Messages<unknown>;
  }
  if (isThenable(result)) result.then(undefined, () => {});
  throw new TypeError(
    `${context.method.fullName} streams its responses: its handler must be a generator or return something iterable`,
  );
}
