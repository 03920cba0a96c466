import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { BenchServer, ServeOptions } from "../contender.ts";
import { listen } from "./listen.ts";

/** Starts an HTTP/2 server that can be closed with its sessions. */
export async function startHttp2(server: Http2Server, options: ServeOptions): Promise<BenchServer> {
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  return {
    port: await listen(server, options),
    async close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}
