import type { Socket } from "node:net";
import type { Connection, ConnectionEvents, ConnectionPeer } from "@farcall/wire";
import { explainTlsError } from "./tls-error.ts";

/** What a connection may find out about a peer that is not what it should be. */
export interface Suspicion {
  /** Looks at the first bytes that arrive: an error when they are those of another protocol. */
  firstChunk?(chunk: Uint8Array): Error | undefined;
  /** Why the peer may have ended the connection without having sent anything. */
  silentEnd?(): Error;
}

export interface SocketConnectionOptions {
  readonly suspicion?: Suspicion | undefined;
  /** Time that the peer has to take what is on its way, and then to end its own side, ms. Default 5,000. */
  readonly lingerMs?: number | undefined;
}

/**
 * A connected socket as a `Connection`: TCP, TLS or Unix.
 *
 *     waiting ──open──▶ open ──close, destroy, peer's end──▶ ending ──socket closed──▶ closed
 *
 * In `ending` nothing but `closed` is delivered, and writes do nothing. A socket that ends while `waiting` keeps what
 * has arrived; the events come after `open`.
 */
export class SocketConnection implements Connection {
  readonly peer: ConnectionPeer;
  readonly #socket: Socket;
  readonly #suspicion: Suspicion | undefined;
  readonly #lingerMs: number;
  #events: ConnectionEvents | undefined;
  #state: "waiting" | "open" | "ending" | "closed" = "waiting";
  #blocked = false;
  #received = false;
  #error: Error | undefined;
  #lingering: NodeJS.Timeout | undefined;

  constructor(socket: Socket, peer: ConnectionPeer, { suspicion, lingerMs = 5_000 }: SocketConnectionOptions = {}) {
    this.#socket = socket;
    this.peer = peer;
    this.#suspicion = suspicion;
    this.#lingerMs = lingerMs;
    socket.setNoDelay(true);
    socket.on("error", (error) => this.#failed(error));
    socket.on("end", () => this.#peerEnded());
    socket.on("close", () => this.#closed());
    if (socket.errored !== null) this.#failed(socket.errored);
    if (socket.closed) this.#state = "closed";
  }

  open(events: ConnectionEvents): void {
    this.#events = events;
    if (this.#state === "closed") {
      process.nextTick(() => events.closed(this.#error));
    } else if (this.#state === "waiting") {
      this.#state = "open";
      this.#socket.on("data", (chunk: Buffer) => this.#data(chunk));
    }
  }

  // A plain socket hands the bytes to the system before `write` returns, if there is room: nothing is left to write
  // then. TLS reports every write as pending, so there the answer is always false, although the bytes are encrypted by
  // then: that is an implementation detail of Node that it doesn't promise.
  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true;
    // No more room, ever. A writer that goes on for as long as it hears true must not keep `closed` from its turn.
    if (this.#state !== "open") return false;
    this.#socket.write(chunk, this.#written);
    this.#blocked = this.#socket.writableLength !== 0;
    return !this.#blocked;
  }

  pause(): void {
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    if (this.#state === "open") this.#socket.resume();
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#socket.end();
    this.#boundEnding();
    // What still arrives is read and dropped: a socket that is closed with unread bytes resets the connection, and the
    // reset overtakes what was written.
    this.#socket.resume();
  }

  destroy(error?: Error): void {
    if (this.#state === "closed") return;
    this.#state = "ending";
    this.#error ??= error;
    this.#socket.destroy(error);
  }

  readonly #written = (error?: Error | null): void => {
    if (!this.#blocked || error || this.#state !== "open" || this.#socket.writableLength !== 0) return;
    this.#blocked = false;
    this.#events?.drained();
  };

  #data(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    if (!this.#received) {
      this.#received = true;
      const error = this.#suspicion?.firstChunk?.(chunk);
      if (error !== undefined) return this.destroy(error);
    }
    this.#events?.data(chunk);
  }

  /** Node ends our side by itself now, once what was written has left. */
  #peerEnded(): void {
    if (this.#state !== "open" && this.#state !== "waiting") return;
    this.#state = "ending";
    if (!this.#received) this.#error ??= this.#suspicion?.silentEnd?.();
    this.#boundEnding();
  }

  /** Time runs out for a peer that takes nothing, and, once all has left, for one that doesn't end its own side. */
  #boundEnding(): void {
    this.#socket.setTimeout(this.#lingerMs, () => {
      if (!this.#socket.writableFinished) this.#socket.destroy(new Error(untaken(this.peer.address)));
    });
    this.#socket.once("finish", () => {
      if (this.#state === "ending") this.#lingering = setTimeout(() => this.#socket.destroy(), this.#lingerMs);
    });
  }

  #failed(error: Error): void {
    // The peer may reset what it no longer wants once all has left; whoever asked for the end got it.
    if (this.#state === "ending" && this.#socket.writableFinished) return;
    this.#error ??= explainTlsError(error);
  }

  #closed(): void {
    clearTimeout(this.#lingering);
    this.#state = "closed";
    this.#events?.closed(this.#error);
  }
}

function untaken(address: string): string {
  return `${address} did not take what was sent to it before the connection ended`;
}
