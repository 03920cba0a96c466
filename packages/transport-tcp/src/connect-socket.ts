import { connect, type NetConnectOpts, type Socket } from "node:net";

/** One attempt to connect. Rejects with what the system says, or with the signal's reason; the socket is gone then. */
export function connectSocket(options: NetConnectOpts, signal: AbortSignal): Promise<Socket> {
  return settled(connect(options), "connect", signal);
}

/** The socket once it emits `event`; destroyed when it fails or the signal aborts before. */
export function settled<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      signal.removeEventListener("abort", aborted);
      socket.off("error", failed).off("close", closed).off(event, succeeded);
    };
    const succeeded = (): void => {
      done();
      resolve(socket);
    };
    const failed = (error: Error): void => {
      done();
      // It may say more than once how it failed.
      socket.on("error", () => {}).destroy();
      reject(error);
    };
    const closed = (): void => failed(new Error("the connection was ended by the peer"));
    const aborted = (): void => failed(signal.reason as Error);
    socket.on("error", failed).on("close", closed).on(event, succeeded);
    signal.addEventListener("abort", aborted);
    if (signal.aborted) aborted();
  });
}
