export * from "./codec.ts";
export type { TestRunner } from "./runner.ts";
