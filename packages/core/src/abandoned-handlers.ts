import type { Peer } from "./transport.ts";

/**
 * Handlers that still work on calls that have ended. A caller that opens and cancels calls in a loop has none open, and
 * could have any number of handlers at work: they count against the limits on calls until they are through
 * (CVE-2023-44487, "rapid reset").
 */
export class AbandonedHandlers {
  #size = 0;
  readonly #byPeer = new Map<Peer, number>();

  get size(): number {
    return this.#size;
  }

  /** Those of one connection. */
  of(peer: Peer): number {
    return this.#byPeer.get(peer) ?? 0;
  }

  add(peer: Peer): void {
    this.#size++;
    this.#byPeer.set(peer, this.of(peer) + 1);
  }

  remove(peer: Peer): void {
    this.#size--;
    const left = this.of(peer) - 1;
    if (left > 0) this.#byPeer.set(peer, left);
    else this.#byPeer.delete(peer);
  }
}
