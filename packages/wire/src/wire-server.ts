import type { ServerTransport } from "@farcall/core";
import type { Listener } from "./connection.ts";
import type { WireServerOptions } from "./wire-options.ts";

/** Calls over the connections that a listener accepts. */
export declare function wireServer(listener: Listener, options?: WireServerOptions): ServerTransport;
