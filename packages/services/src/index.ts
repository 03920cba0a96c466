export { drain, type DrainOptions } from "./drain.ts";
export { drainOnSignal, type DrainOnSignalOptions } from "./drain-on-signal.ts";
export { health, type HealthOptions, type ServerHealth } from "./health.ts";
export { Health } from "./health-contract.ts";
export type { HealthListResponse, HealthRequest, HealthResponse } from "./health-schemas.ts";
export type { HealthStatus } from "./health-status.ts";
