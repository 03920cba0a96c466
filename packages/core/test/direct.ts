import {
  ByteWriter,
  type CallAcceptor,
  type ClientTransport,
  type Codec,
  decodeDetail,
  encodeDetails,
  type IncomingCall,
  type MessageCodec,
  Metadata,
  type OutgoingCall,
  type Peer,
  type RequestSink,
  type ResponseSink,
  RpcError,
  type ServerTransport,
} from "../src/index.ts";

/** JSON, as short as it gets. */
export function textCodec(name = "text"): Codec {
  const message: MessageCodec = {
    encode(value, into) {
      const text = JSON.stringify(value);
      if (text === undefined) throw new TypeError("there is no JSON for this");
      into.write(new TextEncoder().encode(text));
    },
    decode: (bytes, start, end) => JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))),
  };
  return { name, message: () => message };
}

export interface Direct {
  readonly client: ClientTransport;
  readonly server: ServerTransport;
  /** How many calls the client has begun, ever. */
  readonly started: number;
  /** How many of them are open. */
  readonly open: number;
  readonly acceptor: CallAcceptor;
  /** Ends all open calls as a lost connection does. */
  cut(): void;
}

const peer: Peer = { address: "direct", transport: "direct", handshake: new Metadata() };

/** A client's and a server's end without anything between them but the codec: events are delivered as they happen. */
export function direct(): Direct {
  let acceptor: CallAcceptor | undefined;
  let started = 0;
  const open = new Set<(error: RpcError) => void>();
  let onEmpty: (() => void) | undefined;
  let draining = false;

  const begin = (call: OutgoingCall, responses: ResponseSink): RequestSink => {
    started++;
    const resolved = draining
      ? new RpcError("UNAVAILABLE", "going away", { processed: "no" })
      : (acceptor?.resolve(call.method.fullName, call.method.kind, call.codec.name) ??
        new RpcError("UNAVAILABLE", "nobody listens", { processed: "no" }));
    if (resolved instanceof RpcError) {
      responses.end(resolved, undefined);
      return nowhere;
    }
    let ended = false;
    let requests: RequestSink = nowhere;
    const end = (error: RpcError | undefined, trailers: Metadata | undefined): void => {
      if (ended) return;
      ended = true;
      open.delete(breakOff);
      responses.end(error, trailers);
      if (open.size === 0) onEmpty?.();
    };
    const breakOff = (error: RpcError): void => {
      end(error, undefined);
      // What the other machine hears is the code alone.
      requests.cancel(
        new RpcError(error.code === "DEADLINE_EXCEEDED" ? error.code : "CANCELLED", "the caller cancelled"),
      );
    };
    open.add(breakOff);
    const incoming: IncomingCall = {
      method: resolved.method,
      codec: resolved.codec,
      metadata: call.metadata,
      deadline: call.deadline,
      values: undefined,
      attempt: call.attempt,
      peer,
    };
    requests = acceptor?.handle(incoming, {
      header: (metadata) => responses.header(metadata),
      message(value) {
        if (ended) return true;
        try {
          return responses.message(through(resolved.codec.response, call.codec.response, value));
        } catch (error) {
          breakOff(new RpcError("INTERNAL", (error as Error).message));
          return true;
        }
      },
      end: (error, trailers) => end(error === undefined ? undefined : received(error, call, resolved), trailers),
      ready: () => responses.ready(),
    }) as RequestSink;
    return {
      message: (value, last) =>
        ended || requests.message(through(call.codec.request, resolved.codec.request, value), last),
      end: () => ended || requests.end(),
      cancel: breakOff,
      ready: () => ended || requests.ready(),
      progress: () => ({ phase: "waiting", peer: peer.address }),
    };
  };

  return {
    client: {
      address: "direct",
      handle: begin,
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    server: {
      async listen(server) {
        acceptor = server;
        return {
          address: "direct",
          async drain() {
            draining = true;
            if (open.size > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
          },
          async close() {
            draining = true;
            for (const one of open) one(new RpcError("UNAVAILABLE", "the server closed"));
          },
        };
      },
    },
    get started() {
      return started;
    },
    get open() {
      return open.size;
    },
    get acceptor() {
      return acceptor as CallAcceptor;
    },
    cut() {
      for (const one of open) one(new RpcError("UNAVAILABLE", "connection lost"));
    },
  };
}

function through(from: MessageCodec, to: MessageCodec, value: unknown): unknown {
  const writer = new ByteWriter(64);
  from.encode(value, writer, false);
  return to.decode(writer.buffer, 0, writer.position, false);
}

function received(error: RpcError, call: OutgoingCall, sent: { codec: OutgoingCall["codec"] }): RpcError {
  return new RpcError(error.code, error.rawMessage, {
    details: encodeDetails(error.details, sent.codec).map((detail) => decodeDetail(detail, call.method, call.codec)),
    metadata: error.metadata,
    processed: error.processed,
    retryAfterMs: error.retryAfterMs,
    peer: peer.address,
    remote: true,
  });
}

const nowhere: RequestSink = {
  message: () => true,
  end: () => {},
  cancel: () => {},
  ready: () => {},
  progress: () => ({ phase: "connecting" }),
};
