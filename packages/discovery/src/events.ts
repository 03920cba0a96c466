import type { Endpoint } from "./endpoint.ts";

/** Where an endpoint stands. Only those that are `ready` get calls. */
export type EndpointState = "idle" | "connecting" | "ready" | "not serving" | "unreachable" | "ejected" | "removed";

/** What `onEvent` hears. */
export type DiscoveryEvent =
  /** There is a new list. */
  | { readonly type: "resolved"; readonly endpoints: readonly Endpoint[] }
  /** The resolver threw, or gave nothing of use; so many endpoints of the last good list are kept. */
  | { readonly type: "resolver-failed"; readonly error: Error; readonly kept: number }
  | {
      readonly type: "endpoint";
      readonly address: string;
      readonly state: EndpointState;
      readonly reason: string | undefined;
    };

/** An endpoint now, for people and tools. */
export interface EndpointStatus {
  readonly address: string;
  readonly state: EndpointState;
  /** Why, if it is not ready. */
  readonly reason: string | undefined;
  /** Calls that are open there. */
  readonly openCalls: number;
  readonly connections: number;
}
