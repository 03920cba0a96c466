import type { Limits, MetadataInit, Peer } from "@farcall/core";

/** How each end of a connection finds out that the other is gone. */
export interface KeepAliveOptions {
  /** Silence after which an open call's connection is pinged, ms. Default 20,000. */
  readonly idleMs?: number;
  /** Time that the answer may take, ms. Default 10,000. Then the connection counts as lost. */
  readonly timeoutMs?: number;
}

/** A server also asks connections without calls, slowly: those of clients that vanished count as connections. */
export interface ServerKeepAliveOptions extends KeepAliveOptions {
  /** Silence after which a connection without open calls is pinged, ms. Default 120,000; `Infinity` for never. */
  readonly idlePingMs?: number;
}

/** How long to wait between attempts to connect. */
export interface BackoffOptions {
  /** Wait after the first failure, ms. Default 1,000. */
  readonly initialMs?: number;
  /** What each further failure multiplies it by. Default 1.6. */
  readonly factor?: number;
  /** Random part either way, 0 to 1. Default 0.2. */
  readonly jitter?: number;
  /** Longest wait before jitter, ms. Default 120,000. */
  readonly maxMs?: number;
}

/** What every client transport over `wire` can be told, beside what its connector needs. */
export interface WireClientOptions {
  readonly limits?: Partial<Limits>;
  /** `false` turns it off. */
  readonly keepAlive?: KeepAliveOptions | false;
  /** Longest wait for one attempt to connect, handshake included, ms. Default 20,000. */
  readonly connectTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
  /** What this end says of itself in the handshake, for example a token. A function is asked for each connection. */
  readonly handshake?: MetadataInit | (() => MetadataInit | Promise<MetadataInit>);
  /** Numbers from 0 to 1 for jitter. Default `Math.random`. */
  readonly random?: () => number;
}

/** What every server transport over `wire` can be told, beside what its listener needs. */
export interface WireServerOptions {
  /** `false` turns it off. */
  readonly keepAlive?: ServerKeepAliveOptions | false;
  /** Shortest time between pings that clients may send, ms. Default 5,000. More of them than a few end the connection. */
  readonly minPingIntervalMs?: number;
  /** Age at which a connection is drained, so that clients spread anew, ms, ± 10 %. Default: never. */
  readonly maxConnectionAgeMs?: number;
  /** Looks at a client's handshake; throwing an `RpcError` refuses the connection. */
  readonly onHandshake?: (peer: Peer) => void | Promise<void>;
  /** Numbers from 0 to 1 for jitter. Default `Math.random`. */
  readonly random?: () => number;
}
