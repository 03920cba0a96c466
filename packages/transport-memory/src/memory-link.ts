import type { BoundListener, Connection, Connector, Listener } from "@farcall/wire";
import { MemoryConnection } from "./memory-connection.ts";
import { nextTurn } from "./next-turn.ts";

export interface MemoryLinkOptions {
  /** Time that bytes are on their way, and that connecting takes, ms. Default 0: as soon as possible, never at once. */
  readonly latencyMs?: number | undefined;
  /** Unread bytes above which the writer waits. Default 65,536. */
  readonly bufferBytes?: number | undefined;
}

/** A place in this process: one listener at a time, and any number of connections to it. */
export interface MemoryLink {
  readonly connector: Connector;
  readonly listener: Listener;
  /** Breaks every open connection, at both ends, now. What is on its way is lost. */
  cut(): void;
}

const address = "memory";

/** What `memory()` is made of, for those who wrap a `Connector` or `Listener` or use them without calls. */
export function memoryLink({ latencyMs = 0, bufferBytes = 65_536 }: MemoryLinkOptions = {}): MemoryLink {
  const ends = new Set<MemoryConnection>();
  let accept: ((connection: Connection) => void) | undefined;

  function connect(signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const arrive = (): void => {
        signal.removeEventListener("abort", aborted);
        if (signal.aborted) return;
        if (accept === undefined)
          return reject(new Error("nobody listens on this memory transport; call listen first"));
        const [client, server] = MemoryConnection.pair({ latencyMs, bufferBytes }, (end) => ends.delete(end));
        ends.add(client).add(server);
        accept(server);
        resolve(client);
      };
      const aborted = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = latencyMs > 0 ? setTimeout(arrive, latencyMs) : undefined;
      if (timer === undefined) nextTurn(arrive);
      signal.addEventListener("abort", aborted, { once: true });
      if (signal.aborted) aborted();
    });
  }

  async function listen(onConnection: (connection: Connection) => void): Promise<BoundListener> {
    if (accept !== undefined) throw new Error("this memory transport has a listener already; make another pair");
    accept = onConnection;
    return {
      address,
      async close() {
        if (accept === onConnection) accept = undefined;
      },
    };
  }

  return {
    connector: { address, connect },
    listener: { listen },
    cut() {
      for (const end of ends) end.destroy(new Error("the memory connection was cut"));
    },
  };
}
