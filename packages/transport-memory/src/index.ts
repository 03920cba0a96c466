export { memory, type MemoryOptions, type MemoryTransport } from "./memory.ts";
export { type MemoryLink, memoryLink, type MemoryLinkOptions } from "./memory-link.ts";
