import cluster from "node:cluster";
import { parentPort } from "node:worker_threads";

/** A server's side of its supervisor: what they tell each other, the same for a process and a thread. */
export interface Supervision {
  /** Tells that connections are accepted now. */
  listening(address: string): void;
  /** Resolves when this server is to drain and end: it was told so, or its supervisor is gone. */
  readonly wantsEnd: Promise<void>;
  /** Nothing keeps this process or thread any more. */
  end(): void;
}

export function supervision(): Supervision {
  if (parentPort !== null) return ofThread(parentPort);
  if (process.send === undefined) throw new Error("server.ts is started by serve.ts");
  return ofProcess();
}

function ofThread(port: NonNullable<typeof parentPort>): Supervision {
  const wantsEnd = new Promise<void>((resolve) => port.once("message", () => resolve()));
  return { listening: (address) => port.postMessage({ address }), wantsEnd, end: () => port.close() };
}

function ofProcess(): Supervision {
  const wantsEnd = new Promise<void>((resolve) => {
    process.once("message", () => resolve());
    // However the supervisor ends, the channel closes. node:cluster ends the process at once then.
    process.once("disconnect", () => resolve());
    // A service manager tells every process of a service to end, a terminal its whole group. Who ends one server by hand
    // gets another one.
    process.on("SIGTERM", () => resolve());
    process.on("SIGINT", () => resolve());
    // The supervisor restarts the servers when it hears this.
    process.on("SIGHUP", () => {});
  });
  return {
    listening: (address) => void process.send?.({ address }),
    wantsEnd,
    end() {
      // The primary may have sent a connection here before it heard that nobody listens any more. This waits until it has
      // heard, and gives such a connection back; without, its client would wait for a server that is gone.
      if (cluster.isWorker) cluster.worker?.disconnect();
      else if (process.connected) process.disconnect();
    },
  };
}
