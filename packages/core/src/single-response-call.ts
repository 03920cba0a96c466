import { type CallOptions, ClientCall, type MethodPlan } from "./client-call.ts";
import { RoomGate } from "./message-writer.ts";
import { type Requests, sendRequests } from "./requests.ts";
import { RpcError } from "./rpc-error.ts";
import { validate } from "./schema.ts";

/** A call whose answer is one message: unary and client streaming. */
export class SingleResponseCall extends ClientCall {
  readonly #resolve: (output: unknown) => void;
  readonly #reject: (error: RpcError) => void;
  #gate: RoomGate | undefined = undefined;
  #received = false;
  #response: unknown = undefined;

  constructor(
    plan: MethodPlan,
    options: CallOptions | undefined,
    resolve: (output: unknown) => void,
    reject: (error: RpcError) => void,
  ) {
    super(plan, options);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Starts the call with its one request. */
  send(input: unknown): void {
    this.start();
    this.sendOnly(input);
  }

  /** Starts the call and sends its requests as they come. */
  sendAll(requests: Requests<unknown>): void {
    this.#gate = new RoomGate();
    this.start();
    sendRequests(requests, this.#gate, this.settled ? undefined : this.requests, (error) => this.abort(error));
  }

  ready(): void {
    this.#gate?.open();
  }

  message(value: unknown): boolean {
    if (this.#received) {
      this.abort(new RpcError("INTERNAL", `${this.method.fullName} answered twice`, { processed: "yes" }));
    }
    this.#received = true;
    this.#response = value;
    return true;
  }

  // The answer counts only with the status behind it, and is validated then.
  protected override ended(error: RpcError | undefined): void {
    if (error !== undefined) return this.finish(error);
    if (!this.#received) {
      const message = `${this.method.fullName} ended with OK and without its response`;
      return this.abort(new RpcError("INTERNAL", message, { processed: "yes" }));
    }
    let output: unknown;
    try {
      output = validate(this.method.output, this.#response);
    } catch (invalid) {
      return this.invalid(invalid);
    }
    if (output instanceof Promise)
      output.then(
        (value) => this.#accept(value),
        (invalid) => this.invalid(invalid),
      );
    else this.#accept(output);
  }

  #accept(output: unknown): void {
    this.#response = output;
    this.finish(undefined);
  }

  protected settle(error: RpcError | undefined): void {
    this.#gate?.close(error);
    if (error === undefined) this.#resolve(this.#response);
    else this.#reject(error);
  }
}
