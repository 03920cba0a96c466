import type { ClientTransport, Codec } from "@farcall/core";
import { type Clock, systemClock } from "./clock.ts";
import { connectionLimits, type ConnectionsOptions } from "./connections.ts";
import type { Endpoint } from "./endpoint.ts";
import type { DiscoveryEvent } from "./events.ts";
import { type HealthWatch, healthWatch } from "./health-watch.ts";
import { leastLoaded } from "./least-loaded.ts";
import { checkKnown } from "./options.ts";
import { type OutlierOptions, type OutlierRules, outlierRules } from "./outlier-options.ts";
import type { Policy } from "./policy.ts";
import { asResolver, type Resolver, type ResolverLike } from "./resolver.ts";
import { type SlowStart, slowStart, type SlowStartOptions } from "./slow-start.ts";

/** What `balanced()` can be told. */
export interface BalancedOptions {
  /** Where the endpoints are: a list, `dns()`, `etcd()`, or your own. */
  readonly resolver: ResolverLike;
  /** Makes the transport to an endpoint; called again for each further connection. This one closes it. */
  readonly connect: (endpoint: Endpoint) => ClientTransport;
  /** Default `leastLoaded()`. */
  readonly policy?: Policy | undefined;
  /** Default on; `false` ignores what the health service says. */
  readonly health?: HealthOptions | false | undefined;
  /** Default on; `false` for never. */
  readonly outliers?: OutlierOptions | false | undefined;
  /** Default on, 10 s; `false` gives an endpoint that comes back its full share at once. */
  readonly slowStart?: SlowStartOptions | false | undefined;
  readonly connections?: ConnectionsOptions | undefined;
  /** Time that calls have on an endpoint that is no longer listed, ms. Default 60,000. */
  readonly drainMs?: number | undefined;
  /** For people and logs. Default: the resolver's. */
  readonly name?: string | undefined;
  /** Hears what happens. */
  readonly onEvent?: ((event: DiscoveryEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** Numbers from 0 to 1, for choices and jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface HealthOptions {
  /** The service whose health counts. Default `""`, the server as a whole. */
  readonly service?: string | undefined;
  /** In which it is asked. Default JSON; a server without the codec counts as one without health. */
  readonly codec?: Codec | undefined;
}

/** The options, checked and with their defaults. */
export interface BalancedSetup {
  readonly resolver: Resolver;
  readonly connect: (endpoint: Endpoint) => ClientTransport;
  readonly policy: Policy;
  readonly watch: HealthWatch;
  readonly heedsHealth: boolean;
  readonly outliers: OutlierRules | undefined;
  readonly slowStart: SlowStart | undefined;
  readonly limits: { readonly max: number; readonly maxCalls: number };
  readonly drainMs: number;
  readonly name: string;
  readonly onEvent: ((event: DiscoveryEvent) => void) | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

const known = ["resolver", "connect", "policy", "health", "outliers", "slowStart", "connections", "drainMs", "name"];

/** @throws TypeError or RangeError that names the option. */
export function balancedSetup(options: BalancedOptions): BalancedSetup {
  if (typeof options !== "object" || options === null) throw new TypeError("balanced needs { resolver, connect }");
  checkKnown("balanced", options, [...known, "onEvent", "clock", "random"]);
  const { connect, policy = leastLoaded(), health = {}, outliers = {}, drainMs = 60_000, onEvent } = options;
  const { clock = systemClock, random = Math.random } = options;
  const resolver = asResolver(options.resolver);
  if (typeof connect !== "function") {
    throw new TypeError(
      "`connect` must make a transport of an endpoint, for example (endpoint) => tcp(endpoint.address)",
    );
  }
  if (typeof policy?.create !== "function") throw new TypeError("`policy` must be one, for example leastLoaded()");
  if (typeof drainMs !== "number" || !(drainMs >= 0)) {
    throw new RangeError(`drainMs must be 0 or more, got ${String(drainMs)}`);
  }
  if (health !== false) checkHealth(health);
  if (options.name !== undefined && typeof options.name !== "string") throw new TypeError("`name` must be a string");
  for (const name of ["now", "setTimeout", "clearTimeout"] as const) {
    if (typeof clock?.[name] !== "function") throw new TypeError(`\`clock.${name}\` must be a function`);
  }
  for (const [name, value] of Object.entries({ onEvent, random })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`\`${name}\` must be a function`);
  }
  return {
    resolver,
    connect,
    policy,
    watch: healthWatch(health === false ? "" : (health.service ?? ""), health === false ? undefined : health.codec),
    heedsHealth: health !== false,
    outliers: outliers === false ? undefined : outlierRules(outliers),
    slowStart: slowStart(options.slowStart),
    limits: connectionLimits(options.connections),
    drainMs,
    name: options.name ?? resolver.target ?? "balanced",
    onEvent,
    clock,
    random,
  };
}

function checkHealth(health: HealthOptions): void {
  checkKnown("health", health, ["service", "codec"]);
  if (health.service !== undefined && typeof health.service !== "string") {
    throw new TypeError("health.service must be the name of a service");
  }
  if (health.codec !== undefined && typeof health.codec?.message !== "function") {
    throw new TypeError("health.codec must be a codec, for example cbor()");
  }
}
