import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Relay extends AsyncDisposable {
  /** What to connect to instead of the server. */
  readonly address: string;
}

/**
 * Stands between a client and a server, hands on their bytes as they come, and shows them to `see`. So what it shows is
 * what the network carries. It needs some time of its own: about as much as another process on the way.
 */
export async function openRelay(server: string, see: (step: 3 | 7, bytes: Uint8Array) => void): Promise<Relay> {
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (client) => {
    const upstream = connectTo(server);
    handOn(client, upstream, (bytes) => see(3, bytes));
    handOn(upstream, client, (bytes) => see(7, bytes));
  });

  function handOn(from: Socket, to: Socket, look: (bytes: Uint8Array) => void): void {
    sockets.add(from);
    from
      .on("data", look)
      .on("error", () => to.destroy())
      .on("close", () => sockets.delete(from));
    from.pipe(to);
  }

  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}

function connectTo(address: string): Socket {
  if (address.startsWith("unix:")) return connect({ path: address.slice("unix:".length) });
  const { hostname, port } = new URL(`tcp://${address}`);
  return connect({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port), noDelay: true });
}
