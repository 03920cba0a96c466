export * from "./codec.ts";
export type { TestRunner } from "./runner.ts";
export { transportCompliance, type TransportComplianceOptions, type TransportPair } from "./transport.ts";
