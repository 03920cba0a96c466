import { type CallAcceptor, type Listening, RpcError, type ServerTransport } from "@farcall/core";
import type { BoundListener, Listener } from "./connection.ts";
import { ServerEnd } from "./server-end.ts";
import type { WireServerOptions } from "./wire-options.ts";

/** Calls over the connections that a listener accepts. */
export function wireServer(listener: Listener, options: WireServerOptions = {}): ServerTransport {
  return { listen: (acceptor) => listen(listener, acceptor, options) };
}

async function listen(listener: Listener, acceptor: CallAcceptor, options: WireServerOptions): Promise<Listening> {
  const ends = new Set<ServerEnd>();
  let draining = false;
  let onAllClosed: (() => void) | undefined;
  const owner = {
    acceptor,
    options,
    ended: (end: ServerEnd): void => {
      ends.delete(end);
      if (ends.size === 0) onAllClosed?.();
    },
  };
  const bound = await listener.listen((connection) => {
    const { maxConnections } = acceptor.limits;
    const refusal =
      ends.size >= maxConnections
        ? new RpcError("RESOURCE_EXHAUSTED", `the server has ${maxConnections} connections, its limit`, {
            processed: "no",
          })
        : undefined;
    const end = new ServerEnd(connection, owner, refusal);
    ends.add(end);
    if (draining) end.drain();
  });
  return new WireListening(
    bound,
    ends,
    (closed) => (onAllClosed = closed),
    () => (draining = true),
  );
}

class WireListening implements Listening {
  readonly address: string;
  readonly #bound: BoundListener;
  readonly #ends: Set<ServerEnd>;
  readonly #startDraining: () => void;
  readonly #allClosed: Promise<void>;
  #resolveAllClosed: () => void = () => {};
  #stopped: Promise<void> | undefined;
  /** Connections may come, and be told to go, until the listener has closed. */
  #complete = false;

  constructor(
    bound: BoundListener,
    ends: Set<ServerEnd>,
    onAllClosed: (closed: () => void) => void,
    startDraining: () => void,
  ) {
    this.address = bound.address;
    this.#bound = bound;
    this.#ends = ends;
    this.#startDraining = startDraining;
    this.#allClosed = new Promise((resolve) => {
      this.#resolveAllClosed = resolve;
    });
    onAllClosed(() => {
      if (this.#complete) this.#resolveAllClosed();
    });
  }

  async drain(): Promise<void> {
    const stopped = this.#stop();
    for (const end of this.#ends) end.drain();
    await this.#done(stopped);
  }

  async close(): Promise<void> {
    const stopped = this.#stop();
    for (const end of this.#ends) end.close();
    await this.#done(stopped);
  }

  #stop(): Promise<void> {
    this.#startDraining();
    return (this.#stopped ??= this.#bound.close().finally(() => {
      this.#complete = true;
    }));
  }

  async #done(stopped: Promise<void>): Promise<void> {
    await stopped;
    if (this.#ends.size > 0) await this.#allClosed;
  }
}
