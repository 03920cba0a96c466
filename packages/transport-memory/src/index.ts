export { memory, type MemoryOptions, type MemoryTransport } from "./memory.ts";
export type { MemoryLinkOptions } from "./memory-link.ts";
