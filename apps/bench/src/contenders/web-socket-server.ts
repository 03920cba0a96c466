import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import type { BenchServer, ServeOptions } from "../contender.ts";
import { listen } from "./listen.ts";

/** Room for 16 MiB as base64. */
export const maxPayload = 64 * 1024 * 1024;

/** The `ws` server of the contenders that are given one; its default, no compression, stays. */
export function webSocketServer(options: ServeOptions): { sockets: WebSocketServer; start(): Promise<BenchServer> } {
  const server = createServer();
  const sockets = new WebSocketServer({ server, maxPayload });
  return {
    sockets,
    start: async () => ({
      port: await listen(server, options),
      async close() {
        for (const socket of sockets.clients) socket.terminate();
        sockets.close();
        server.close();
      },
    }),
  };
}
