import { type CallContext, type Handlers, RpcError, type Service } from "@farcall/core";
import { checkKnown } from "./check.ts";
import type { Health } from "./health-contract.ts";
import type { HealthListResponse, HealthResponse } from "./health-schemas.ts";
import { type HealthStatus, healthStatuses } from "./health-status.ts";

export interface HealthOptions {
  /** Services that are SERVING from the start, beside the server as a whole. */
  readonly services?: readonly (string | Service)[] | undefined;
}

/** What a server says of its health. */
export interface ServerHealth {
  /** For `server.add(Health, health.handlers)`. */
  readonly handlers: Handlers<typeof Health>;
  /**
   * Sets the status of a service, by its contract or name; `""` is the server as a whole. Watchers hear it at once.
   * Ignored after `shutdown`.
   * @throws TypeError when the service has no name or the status is none.
   */
  set(service: string | Service, status: "SERVING" | "NOT_SERVING" | "UNKNOWN"): void;
  /** The server knows the service no longer: watchers hear SERVICE_UNKNOWN. */
  forget(service: string | Service): void;
  /** The status now; undefined for a service that is not known. */
  get(service: string | Service): HealthStatus | undefined;
  /** How many watches are open. */
  readonly watchers: number;
  /** For good: everything is NOT_SERVING. Watchers hear it, then their streams end, so that nothing holds up a drain. */
  shutdown(): void;
}

/** As many services as `List` names before it fails with RESOURCE_EXHAUSTED. */
const maxListed = 100;

/**
 * The health of a server: `""`, the server as a whole, is SERVING from the start.
 * @throws TypeError when a service has no name, or an option is unusable.
 */
export function health(options: HealthOptions = {}): ServerHealth {
  checkKnown("health", options, ["services"]);
  if (options.services !== undefined && !Array.isArray(options.services)) {
    throw new TypeError("`services` must be a list of contracts or their names");
  }
  const statuses = new Map<string, HealthStatus>([["", "SERVING"]]);
  /** Wakes the watchers of a service. */
  const waiting = new Map<string, Set<() => void>>();
  let watchers = 0;
  let isShutDown = false;
  for (const one of options.services ?? []) statuses.set(nameOf(one), "SERVING");

  const change = (service: string, status: HealthStatus | undefined): void => {
    if (status === undefined) statuses.delete(service);
    else statuses.set(service, status);
    for (const wake of waiting.get(service) ?? []) wake();
  };

  async function* watch({ service }: { service: string }, { signal }: CallContext): AsyncGenerator<HealthResponse> {
    watchers++;
    try {
      let told: HealthStatus | undefined;
      while (!signal.aborted) {
        const status = statuses.get(service) ?? "SERVICE_UNKNOWN";
        // A slow reader hears the latest status and none of those between.
        if (status !== told) yield { status: (told = status) };
        else if (isShutDown) return;
        else await nextChange(waiting, service, signal);
      }
    } finally {
      watchers--;
    }
  }

  return {
    handlers: {
      check({ service }) {
        const status = statuses.get(service);
        if (status !== undefined) return { status };
        throw new RpcError("NOT_FOUND", `this server does not know the service "${service}"`, { processed: "yes" });
      },
      watch,
      list(): HealthListResponse {
        if (statuses.size > maxListed) {
          throw new RpcError("RESOURCE_EXHAUSTED", `more than ${maxListed} services`, { processed: "yes" });
        }
        return { statuses: Object.fromEntries([...statuses].map(([service, status]) => [service, { status }])) };
      },
    },
    set(service, status) {
      const name = nameOf(service);
      if (!healthStatuses.includes(status) || (status as HealthStatus) === "SERVICE_UNKNOWN") {
        throw new TypeError(`"${String(status)}" is not a status to set; SERVING, NOT_SERVING and UNKNOWN are`);
      }
      if (!isShutDown) change(name, status);
    },
    forget(service) {
      if (!isShutDown) change(nameOf(service), undefined);
    },
    get: (service) => statuses.get(nameOf(service)),
    get watchers() {
      return watchers;
    },
    shutdown() {
      isShutDown = true;
      for (const service of statuses.keys()) change(service, "NOT_SERVING");
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
    },
  };
}

/** Resolves at the next change of the service, or when nobody listens any more. */
function nextChange(waiting: Map<string, Set<() => void>>, service: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wakes = waiting.get(service) ?? new Set();
    const wake = (): void => {
      signal.removeEventListener("abort", wake);
      wakes.delete(wake);
      // Names are the callers' choice: nothing is kept of one that nobody watches.
      if (wakes.size === 0 && waiting.get(service) === wakes) waiting.delete(service);
      resolve();
    };
    waiting.set(service, wakes.add(wake));
    signal.addEventListener("abort", wake);
  });
}

function nameOf(service: string | Service): string {
  const name = typeof service === "string" ? service : service?.name;
  if (typeof name !== "string")
    throw new TypeError(`a service is a contract or its name, not a value of type ${typeof service}`);
  return name;
}
