import { vi } from "vitest";

const kinds = new Set([
  "TCPSocketWrap",
  "TCPServerWrap",
  "TCPConnectWrap",
  "PipeWrap",
  "PipeServerWrap",
  "PipeConnectWrap",
  "TLSWrap",
]);

/** How many sockets and listeners this process has open. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)).length;
}

/** Rejects when there are more than `before`, and stay. */
export function noMoreSockets(before: number): Promise<void> {
  return vi.waitFor(() => {
    if (openSockets() > before) throw new Error(`left open: ${process.getActiveResourcesInfo().join(", ")}`);
  });
}
