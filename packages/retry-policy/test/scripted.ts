import {
  type CallKind,
  type CallProgress,
  type Effect,
  type ErrorCode,
  type Metadata,
  type Method,
  type MethodCodec,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
  type RpcErrorOptions,
  service,
  type,
} from "@farcall/core";
import { type AttemptEvent, retry, type RetryOptions } from "../src/index.ts";
import { settled, VirtualClock } from "./virtual-clock.ts";

/** One attempt as the next handler sees it: what it was sent, and the means to answer. */
export class ScriptedAttempt implements RequestSink {
  readonly call: OutgoingCall;
  readonly responses: ResponseSink;
  readonly sent: unknown[] = [];
  halfClosed = false;
  cancelledWith: RpcError | undefined;
  readies = 0;
  /** Requests that it takes before it says that there is no room. */
  room = Infinity;
  /** Does cancelling it lead to its end at once? */
  endsWhenCancelled = true;
  phase: CallProgress["phase"] = "waiting";
  readonly peer: string | undefined;

  constructor(call: OutgoingCall, responses: ResponseSink, peer: string | undefined) {
    this.call = call;
    this.responses = responses;
    this.peer = peer;
  }

  message(value: unknown, last: boolean): boolean {
    if (this.halfClosed) throw new Error("a request after the last");
    this.sent.push(value);
    if (last) this.halfClosed = true;
    return --this.room > 0;
  }

  end(): void {
    if (this.halfClosed) throw new Error("half-closed twice");
    this.halfClosed = true;
  }

  cancel(error: RpcError): void {
    this.cancelledWith = error;
    if (this.endsWhenCancelled) this.responses.end(error, undefined);
  }

  ready(): void {
    this.readies++;
  }

  progress(): CallProgress {
    return { phase: this.phase, peer: this.peer };
  }

  answer(value: unknown, trailers?: Metadata): void {
    this.responses.message(value);
    this.responses.end(undefined, trailers);
  }

  fail(code: ErrorCode, options: RpcErrorOptions = {}): void {
    const error = new RpcError(code, "scripted", { remote: true, peer: this.peer, ...options });
    this.responses.end(error, undefined);
  }
}

export interface ScriptedOptions extends RetryOptions {
  readonly effect?: Effect;
  readonly kind?: CallKind;
  readonly deadline?: number;
  readonly metadata?: Metadata;
  readonly values?: OutgoingCall["values"];
  /** Addresses of the endpoints, chosen in turn; one that is avoided is not chosen while there are others. */
  readonly peers?: readonly string[];
  /** What the next handler does when it is given an attempt, before it returns. */
  readonly onAttemptStart?: (attempt: ScriptedAttempt) => void;
}

/** One call through `retry()`, on a virtual clock, between a caller that keeps what it hears and scripted attempts. */
export function scripted(options: ScriptedOptions = {}) {
  const {
    effect = "pure",
    kind = "unary",
    deadline = Infinity,
    metadata,
    values,
    peers,
    onAttemptStart,
    ...rest
  } = options;
  const clock = (rest.clock as VirtualClock | undefined) ?? new VirtualClock();
  const method = methodOf(kind, effect);
  const attempts: ScriptedAttempt[] = [];
  const events: AttemptEvent[] = [];
  const heard: string[] = [];
  const caller = {
    heard,
    headers: [] as Metadata[],
    messages: [] as unknown[],
    ends: [] as { error: RpcError | undefined; trailers: Metadata | undefined }[],
    readies: 0,
    room: true,
    get error(): RpcError | undefined {
      return caller.ends[0]?.error;
    },
  };
  const responses: ResponseSink = {
    header(value) {
      heard.push("header");
      caller.headers.push(value);
    },
    message(value) {
      heard.push(`message ${String(value)}`);
      caller.messages.push(value);
      return caller.room;
    },
    end(error, trailers) {
      heard.push(error === undefined ? "end" : `end ${error.code}`);
      caller.ends.push({ error, trailers });
    },
    ready() {
      caller.readies++;
    },
  };
  const handle = retry({ random: () => 0.5, ...rest, clock, onAttempt: (event) => events.push(event) }).wrap(
    (call, sink) => {
      const peer = peers?.find((one) => call.avoid?.includes(one) !== true) ?? peers?.[0];
      const attempt = new ScriptedAttempt(call, sink, peer);
      attempts.push(attempt);
      onAttemptStart?.(attempt);
      return attempt;
    },
  );
  const begin = (): { call: OutgoingCall; requests: RequestSink } => {
    const call: OutgoingCall = {
      method,
      codec: noCodec,
      metadata,
      deadline,
      values,
      attempt: 1,
      waitForReady: false,
      avoid: undefined,
    };
    return { call, requests: handle(call, responses) };
  };
  const { call, requests } = begin();
  return {
    clock,
    call,
    requests,
    attempts,
    caller,
    events,
    begin,
    /** The attempt of this number, from 1. */
    attempt: (number: number): ScriptedAttempt => {
      const one = attempts[number - 1];
      if (one === undefined) throw new Error(`there were ${attempts.length} attempts, no ${number}`);
      return one;
    },
    advance: (ms: number) => clock.advance(ms),
    settled,
  };
}

const noCodec = {} as MethodCodec;
const methods = new Map<string, Method>();

function methodOf(kind: CallKind, effect: Effect): Method {
  const key = `${kind} ${effect}`;
  let method = methods.get(key);
  if (method === undefined) {
    const shape = { kind, input: type<unknown>(), output: type<unknown>(), effect };
    method = service("test.v1.Scripted", { call: shape }).methods.call as Method;
    methods.set(key, method);
  }
  return method;
}
