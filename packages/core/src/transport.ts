import type { ContextValues } from "./context-values.ts";
import type { AttemptPhase } from "./explain.ts";
import type { Limits } from "./limits.ts";
import type { Metadata } from "./metadata.ts";
import type { MethodCodec } from "./method-codec.ts";
import type { RpcError } from "./rpc-error.ts";
import type { CallKind, Method } from "./service.ts";

/**
 * The upper seam: it carries calls. A transport implements `ClientTransport`, `ServerTransport` or both; stubs,
 * interceptors and servers meet it only here.
 *
 * A call is a function from (what is asked, where answers go) to (where requests go):
 *
 *     handle(call, responses) => requests
 *
 * The same shape is a client's transport, a server's router and every interceptor between, for all four kinds.
 * Everything is an event, delivered by a plain function call in order, never from inside another event of the same
 * direction of the same call:
 *
 *     requests   message* · end            from the caller; `cancel` at any time ends both directions
 *     responses  header? · message* · end  from the handler; exactly one `end`, and nothing after it
 *
 * Rules that every implementation keeps:
 * - Nothing throws out of `handle` or out of a sink's functions; every failure is an `end`.
 * - `end` may come before `handle` has returned. Then whatever is sent to the sink it returns is ignored.
 * - `cancel` leads to `end` with the same error, soon; the canceller need not wait for it.
 * - Messages are values. The transport encodes an outgoing one with the call's codec before `message` returns, or
 *   keeps the value until it has room: the sender must not change it. An incoming one is decoded when it arrives.
 * - Flow: `message` returns false to say "no room". The sender may go on (nothing is dropped) and should wait for
 *   `ready` on the opposite sink. A transport that was told false stops giving its peer credit until `ready`.
 */
export type CallHandler<C extends Call = Call> = (call: C, responses: ResponseSink) => RequestSink;

/** Where a call's requests go. */
export interface RequestSink {
  /** One request. `last` says that no other follows, and replaces `end`. Returns whether there is room for more. */
  message(value: unknown, last: boolean): boolean;
  /** No other request follows. Ignored after a `last` message. */
  end(): void;
  /** The caller is no longer interested. */
  cancel(error: RpcError): void;
  /** Room again for responses, after a response's `message` returned false. */
  ready(): void;
  /** Where the call stands, for the explanation of its failure. */
  progress(): CallProgress;
}

/** Where a call's responses go. */
export interface ResponseSink {
  header(metadata: Metadata): void;
  /** One response. Returns whether there is room for more. */
  message(value: unknown): boolean;
  /** The call is over: `error` undefined means OK. */
  end(error: RpcError | undefined, trailers: Metadata | undefined): void;
  /** Room again for requests, after a request's `message` returned false. */
  ready(): void;
}

/** Where a call stands. */
export interface CallProgress {
  readonly phase: AttemptPhase;
  readonly peer?: string | undefined;
  /** Time spent waiting for a connection, ms. */
  readonly connectMs?: number | undefined;
  readonly note?: string | undefined;
}

/** What is known of a call at both ends. */
export interface Call {
  readonly method: Method;
  /** The codec of its messages, prepared for the method. */
  readonly codec: MethodCodec;
  /** Request metadata; undefined when there is none, so that calls without pay nothing. */
  metadata: Metadata | undefined;
  /** When it ends by itself, ms on the clock of `performance.now()`; `Infinity` for never. On the wire: the time left. */
  deadline: number;
  /** Values that interceptors hand on; undefined until somebody sets one. */
  values: ContextValues | undefined;
  /** 1 for the first attempt; retries count up, hedges too. */
  attempt: number;
}

/** A call on its way out of a client. */
export interface OutgoingCall extends Call {
  /** When its caller began it, ms on the clock of `performance.now()`; undefined when that is not known. */
  readonly startedAt?: number | undefined;
  /** Wait for a connection as long as the deadline allows, instead of failing at once when there is none. */
  waitForReady: boolean;
  /** Addresses that a balancer should not choose, because they were tried. */
  avoid: readonly string[] | undefined;
}

/** A call that arrived at a server. */
export interface IncomingCall extends Call {
  readonly peer: Peer;
}

/** Who is at the other end of a connection. */
export interface Peer {
  /** For people and logs: `10.0.0.7:51234`, `/run/app.sock`, `memory`. */
  readonly address: string;
  /** `tcp`, `tls`, `unix`, `memory`, … */
  readonly transport: string;
  /** What TLS proved about the other end; undefined without TLS. */
  readonly tls?: PeerIdentity | undefined;
  /** What the other end said of itself in the handshake. Empty where a transport has none. */
  readonly handshake: Metadata;
}

/** What TLS proved about a peer. */
export interface PeerIdentity {
  /** Did the peer present a certificate that this end's authorities signed? */
  readonly authorized: boolean;
  /** The certificate's subject common name. */
  readonly commonName?: string | undefined;
  /** Its subject alternative names, as Node prints them: `DNS:a.example`, `URI:spiffe://…`. */
  readonly subjectAltNames: readonly string[];
  /** SHA-256 of the certificate, upper-case hexadecimal with colons. */
  readonly fingerprint256?: string | undefined;
  /** The protocol that ALPN chose. */
  readonly alpnProtocol?: string | undefined;
  /** The TLS version, for example `TLSv1.3`. */
  readonly protocol?: string | undefined;
}

/** The client's end of a transport: a value that is passed to `createClient`. Whoever made it closes it. */
export interface ClientTransport extends AsyncDisposable {
  /** Starts a call. */
  readonly handle: CallHandler<OutgoingCall>;
  /** For people and logs. */
  readonly address: string;
  /**
   * Refuses new calls, lets open ones end for `graceMs` (default 0), then ends the rest with `UNAVAILABLE`.
   * Always settles; nothing is left running. Called again, it can only shorten the time.
   */
  close(options?: CloseOptions): Promise<void>;
}

export interface CloseOptions {
  /** Time that open calls have to end by themselves, ms. */
  readonly graceMs?: number;
}

/** What a server transport asks of the server. */
export interface CallAcceptor {
  readonly limits: Limits;
  /** Names of the codecs that the server has. */
  readonly codecs: readonly string[];
  /** What endpoints announce about themselves in the handshake, for example that they honour idempotency keys. */
  readonly features: readonly string[];
  /** The method of this name prepared for this codec, or the error that calls of it end with. Never throws. */
  resolve(fullName: string, kind: CallKind | undefined, codec: string): ResolvedMethod | RpcError;
  /** Takes a call. Its `method` and `codec` are those that `resolve` returned. */
  readonly handle: CallHandler<IncomingCall>;
  /** Called with what a transport could not tell its peer: protocol errors, failed handshakes. Never throws. */
  report(error: RpcError, peer: string): void;
}

export interface ResolvedMethod {
  readonly method: Method;
  readonly codec: MethodCodec;
}

/** The server's end of a transport: a value that is passed to `server.listen`. */
export interface ServerTransport {
  /**
   * Starts to accept calls.
   * @throws Error of the platform when the address is taken or not allowed.
   */
  listen(acceptor: CallAcceptor): Promise<Listening>;
}

/** A server transport that accepts calls. */
export interface Listening {
  /** Where clients reach it, with the real port: `127.0.0.1:40123`. */
  readonly address: string;
  /** Accepts nothing new, tells every peer so, and resolves when the last open call has ended. */
  drain(): Promise<void>;
  /** Ends everything at once. Resolves when nothing is left. */
  close(): Promise<void>;
}
