import { setImmediate } from "node:timers/promises";

export interface Memory {
  /** What is reachable: the heap, and buffers outside of it, bytes. */
  readonly heapBytes: number;
  /** What the operating system has given, bytes. */
  readonly rssBytes: number;
}

/** The memory of this process after everything that can be freed was freed. Node must run with `--expose-gc`. */
export async function measureMemory(): Promise<Memory> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.();
    // Sockets and buffers free what they hold outside of the heap a turn later.
    await setImmediate();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, rssBytes: rss };
}
