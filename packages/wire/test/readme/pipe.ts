import net from "node:net";
import {
  type Connection,
  type ConnectionEvents,
  type Connector,
  type Listener,
  wireClient,
  wireServer,
} from "@farcall/wire";

class PipeConnection implements Connection {
  readonly peer = { address: "pipe", transport: "pipe" };
  readonly #socket: net.Socket;
  #events: ConnectionEvents | undefined;
  #error: Error | undefined;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("error", (error) => (this.#error = error));
    socket.on("end", () => socket.end()); // it may come before `open`, and so may `close`
    socket.on("close", () => this.#events?.closed(this.#error));
  }
  open(events: ConnectionEvents) {
    if (this.#socket.closed) return process.nextTick(() => events.closed(this.#error));
    this.#events = events;
    this.#socket.on("data", (chunk) => events.data(chunk));
  }
  write(chunk: Uint8Array) {
    if (this.#socket.writable) this.#socket.write(chunk, (error) => error || this.#events?.drained());
    return false; // the memory is the caller's again when `drained` says so
  }
  pause() {
    this.#socket.pause();
  }
  resume() {
    this.#socket.resume();
  }
  close() {
    this.#socket.end().removeAllListeners("data").resume(); // unread bytes would reset the connection
  }
  destroy(error?: Error) {
    this.#socket.destroy(error);
  }
}

export function pipeConnector(path: string): Connector {
  return {
    address: path,
    connect: (signal) =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ path, allowHalfOpen: true, signal });
        socket.once("error", reject).once("connect", () => resolve(new PipeConnection(socket)));
      }),
  };
}

export function pipeListener(path: string): Listener {
  return {
    async listen(accept) {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => accept(new PipeConnection(socket)));
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
      return { address: path, close: async () => void server.close() };
    },
  };
}

export const pipe = (path: string) => wireClient(pipeConnector(path));
export const pipeServer = (path: string) => wireServer(pipeListener(path));
