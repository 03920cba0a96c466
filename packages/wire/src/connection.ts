import type { PeerIdentity } from "@farcall/core";

/**
 * The lower seam: it moves ordered chunks of bytes. TCP, TLS, Unix sockets, WebSocket and the in-memory pair implement
 * only this; everything that makes calls of bytes is above it, in this package.
 */
export interface Connection {
  readonly peer: ConnectionPeer;
  /**
   * Starts delivery. Called once, before any other function; nothing that arrived earlier is lost. Events come one at a
   * time, and never from inside a call of one of these functions.
   */
  open(events: ConnectionEvents): void;
  /**
   * Sends a chunk. True: its memory may be reused as soon as `write` has returned. False: it must not be touched, and
   * nothing else written, until `drained`. Never throws; after the end of the connection it does nothing and returns
   * false.
   */
  write(chunk: Uint8Array): boolean;
  /** No `data` until `resume`. What has arrived waits, and in time the peer is slowed down. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what was written has left. Only `closed` follows, without an error. */
  close(): void;
  /** Ends the connection now; what was written may be lost. Only `closed` follows, with `error` if there is one. */
  destroy(error?: Error): void;
}

export interface ConnectionEvents {
  /** Bytes arrived. The chunk is the connection's own again when this returns. */
  data(chunk: Uint8Array): void;
  /** What `write` returned false for has left. */
  drained(): void;
  /**
   * The connection is over, in both directions: the peer ended it, it broke (`error` says how), or `close` or `destroy`
   * was called. Exactly once, last, and always; a paused connection may notice its peer's end only after `resume`.
   */
  closed(error: Error | undefined): void;
}

/** Who is at the other end, as far as the connection itself knows. */
export interface ConnectionPeer {
  /** For people and logs: `10.0.0.7:51234`. */
  readonly address: string;
  /** `tcp`, `tls`, `unix`, `memory`, `ws`, … */
  readonly transport: string;
  readonly tls?: PeerIdentity | undefined;
}

/** Makes connections to one place. */
export interface Connector {
  /** For people and logs. */
  readonly address: string;
  /**
   * Rejects when there is no connection to be had, and soon after `signal` aborts, which it does on a connect timeout
   * too. Nothing is left open then.
   */
  connect(signal: AbortSignal): Promise<Connection>;
}

/** Accepts connections at one place. */
export interface Listener {
  /**
   * Starts to accept.
   * @throws Error of the platform when the address is taken or not allowed.
   */
  listen(accept: (connection: Connection) => void): Promise<BoundListener>;
}

/** A listener that accepts. */
export interface BoundListener {
  /** Where clients reach it, with the real port. */
  readonly address: string;
  /** Accepts nothing more; connections that are open stay. Resolves when the address is free again. */
  close(): Promise<void>;
}
