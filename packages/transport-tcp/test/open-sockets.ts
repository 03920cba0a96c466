const kinds = new Set(["TCPSocketWrap", "TCPServerWrap", "TCPConnectWrap", "PipeWrap", "PipeServerWrap", "PipeConnectWrap", "TLSWrap"]);

/** How many sockets and listeners this process has open. */
export function openSockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kinds.has(kind)).length;
}
