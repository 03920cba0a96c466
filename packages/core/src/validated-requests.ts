import type { ServedCall } from "./interceptor.ts";
import { InvalidMessage } from "./invalid-message.ts";
import { RpcError } from "./rpc-error.ts";
import { type Schema, validate, ValidationFailure } from "./schema.ts";
import { streamsRequests } from "./service.ts";
import type { CallHandler, CallProgress, RequestSink, ResponseSink } from "./transport.ts";
import { ValidationQueue, type ValidationTarget } from "./validation-queue.ts";

/** Lets only valid requests through to `next`, in the form that the schema gives them. */
export function validating(next: CallHandler<ServedCall>): CallHandler<ServedCall> {
  return (call, responses) => new ValidatedRequests(call, responses, next);
}

/** A validator that answers at once costs no queue: one is made when the first promise comes back. */
class ValidatedRequests implements RequestSink, ValidationTarget {
  readonly #call: ServedCall;
  readonly #responses: ResponseSink;
  readonly #schema: Schema;
  #queue: ValidationQueue | undefined = undefined;
  #stopped = false;
  readonly #inner: RequestSink;

  constructor(call: ServedCall, responses: ResponseSink, next: CallHandler<ServedCall>) {
    this.#call = call;
    this.#responses = responses;
    this.#schema = call.method.input;
    this.#inner = next(call, responses);
  }

  message(value: unknown, last: boolean): boolean {
    if (this.#queue !== undefined) {
      const room = this.#queue.message(value);
      if (last) this.end();
      return room;
    }
    if (this.#stopped) return true;
    let output: unknown;
    try {
      output = validate(this.#schema, value);
    } catch (error) {
      this.invalid(error);
      return true;
    }
    if (!(output instanceof Promise)) return this.#inner.message(output, last);
    this.#queue = new ValidationQueue(this.#schema, this);
    this.#queue.wait(output);
    if (last) this.end();
    return false;
  }

  end(): void {
    if (this.#queue !== undefined) this.#queue.afterwards(() => this.#inner.end());
    else if (!this.#stopped) this.#inner.end();
  }

  cancel(error: RpcError): void {
    this.#stopped = true;
    this.#queue?.stop();
    this.#inner.cancel(error);
  }

  ready(): void {
    this.#inner.ready();
  }

  progress(): CallProgress {
    return this.#inner.progress();
  }

  accept(output: unknown): boolean {
    return this.#inner.message(output, false);
  }

  invalid(error: unknown): void {
    this.#stopped = true;
    const refused = refusal(this.#call, error);
    this.#responses.end(refused, undefined);
    this.#inner.cancel(refused);
  }

  relieved(): void {
    this.#responses.ready();
  }
}

function refusal(call: ServedCall, error: unknown): RpcError {
  // A handler of a stream of requests is at work since before the first of them.
  const processed = streamsRequests(call.method.kind) ? "yes" : "no";
  if (!(error instanceof ValidationFailure)) {
    return new RpcError("UNKNOWN", "the validator failed", { cause: error, processed });
  }
  const message = `the request of ${call.method.fullName} is not what the contract says: ${error.message}`;
  return InvalidMessage({ issues: error.issues }, message, { processed });
}
