import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import type { ServeOptions } from "../contender.ts";

/** Listens on 127.0.0.1 and resolves to the port. */
export async function listen(server: Server, { port, reusePort = false }: ServeOptions): Promise<number> {
  server.listen({ host: "127.0.0.1", port, reusePort });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
