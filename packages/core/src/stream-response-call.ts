import { type CallOptions, ClientCall, type MethodPlan } from "./client-call.ts";
import { type Expiring } from "./deadline-wheel.ts";
import { MessageReader } from "./message-reader.ts";
import { RoomGate } from "./message-writer.ts";
import { type Requests, sendRequests } from "./requests.ts";
import { RpcError } from "./rpc-error.ts";
import { ValidationQueue } from "./validation-queue.ts";

/** What a caller may say of a call that answers with a stream. */
export interface StreamCallOptions extends CallOptions {
  /** Longest wait for the first message, ms. Default: none. */
  readonly firstMessageTimeoutMs?: number | undefined;
  /** Longest silence after the first message, ms. Default: none. */
  readonly idleTimeoutMs?: number | undefined;
}

/** A call that answers with a stream of messages: server and bidirectional streaming. */
export class StreamResponseCall extends ClientCall {
  readonly reader: MessageReader<unknown>;
  #gate: RoomGate | undefined = undefined;
  #silence: Silence | undefined = undefined;
  readonly #validation: ValidationQueue;

  constructor(plan: MethodPlan, options: StreamCallOptions = {}) {
    super(plan, options);
    this.reader = new MessageReader({
      ready: () => {
        this.#silence?.resume();
        this.requests?.ready();
      },
      cancel: (error) => this.abort(error),
    });
    this.#validation = new ValidationQueue(plan.method.output, {
      accept: (output) => this.reader.push(output),
      invalid: (error) => this.invalid(error),
      relieved: () => {
        this.#silence?.resume();
        this.requests?.ready();
      },
    });
    const first = options.firstMessageTimeoutMs ?? Infinity;
    const idle = options.idleTimeoutMs ?? Infinity;
    if (first !== Infinity || idle !== Infinity) {
      this.#silence = new Silence(plan, first, idle, (error) => this.abort(error));
    }
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
    if (this.settled || this.givenUp) return true;
    const room = this.#validation.message(value);
    this.#silence?.broken(room);
    return room;
  }

  protected override ended(error: RpcError | undefined): void {
    this.#validation.afterwards(() => this.finish(error));
  }

  protected settle(error: RpcError | undefined): void {
    this.#silence?.stop();
    this.#validation.stop();
    this.#gate?.close(error);
    if (this.givenUp && error !== undefined) this.reader.abort(error);
    else this.reader.finish(error);
  }
}

/** Ends a stream that is silent for too long. */
class Silence implements Expiring {
  deadline: number;
  wheelNext: Expiring | undefined = undefined;
  wheelPrevious: Expiring | undefined = undefined;
  wheelSlot = -1;
  readonly #plan: MethodPlan;
  readonly #idleMs: number;
  readonly #fail: (error: RpcError) => void;
  #heard = false;
  #stopped = false;

  constructor(plan: MethodPlan, firstMs: number, idleMs: number, fail: (error: RpcError) => void) {
    this.#plan = plan;
    this.#idleMs = idleMs;
    this.#fail = fail;
    // What is no positive number is no time at all, as with `timeoutMs`.
    this.deadline = performance.now() + (firstMs > 0 ? firstMs : 0);
    if (this.deadline !== Infinity) plan.wheel.add(this);
  }

  /** A message came. While the reader has no room for another, the silence is its own. */
  broken(room: boolean): void {
    this.#heard = true;
    this.#plan.wheel.remove(this);
    if (room) this.resume();
  }

  /** The reader waits for the next message. */
  resume(): void {
    if (this.#stopped || !this.#heard || this.#idleMs === Infinity) return;
    this.#plan.wheel.remove(this);
    this.deadline = performance.now() + (this.#idleMs > 0 ? this.#idleMs : 0);
    this.#plan.wheel.add(this);
  }

  stop(): void {
    this.#stopped = true;
    this.#plan.wheel.remove(this);
  }

  expire(): void {
    const what = this.#heard ? "sent nothing more" : "sent no first message";
    this.#fail(new RpcError("DEADLINE_EXCEEDED", `${this.#plan.method.fullName} ${what} in time`));
  }
}
