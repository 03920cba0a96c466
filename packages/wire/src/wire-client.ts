import type { ClientTransport } from "@farcall/core";
import type { Connector } from "./connection.ts";
import type { WireClientOptions } from "./wire-options.ts";

/** Calls over the connections of one connector. */
export declare function wireClient(connector: Connector, options?: WireClientOptions): ClientTransport;
