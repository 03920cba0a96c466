import type { ClientTransport, ServerTransport } from "@farcall/core";
import { wireClient, type WireClientOptions, wireServer, type WireServerOptions } from "@farcall/wire";
import { memoryLink, type MemoryLinkOptions } from "./memory-link.ts";

/** What `memory()` can be told. */
export interface MemoryOptions extends MemoryLinkOptions {
  /** As over any other connection: limits, keep-alive, back-off (here none unless you set it), handshake. */
  readonly client?: WireClientOptions;
  /** As over any other connection: keep-alive, connection age, handshake. */
  readonly server?: WireServerOptions;
}

/** Two ends that reach each other and nobody else. */
export interface MemoryTransport {
  /** For `createClient`. Any number of clients may share it. */
  readonly client: ClientTransport;
  /** For `server.listen`. One server at a time. */
  readonly server: ServerTransport;
  /** Breaks every connection now, as a pulled cable would; the client connects anew when it next needs to. */
  cut(): void;
}

/** There is nobody to spare: the next call tries anew, and those that wait are no later than a timer. */
const backoff = { initialMs: 0, maxMs: 0 };

/**
 * A client and a server in one process, through the same frames, credit and limits as over a network, without a socket.
 * Needs nothing of Node: it runs in browsers too.
 */
export function memory(options: MemoryOptions = {}): MemoryTransport {
  const { connector, listener, cut } = memoryLink(options);
  const client = wireClient(connector, { ...options.client, backoff: options.client?.backoff ?? backoff });
  return { client, server: wireServer(listener, options.server), cut };
}
