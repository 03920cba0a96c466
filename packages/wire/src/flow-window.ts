import { maxCredit } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Round-trip time of a connection, shared by its windows. */
export interface RoundTrip {
  /** ms; `undefined` until one was measured. */
  ms: number | undefined;
}

/**
 * The receiving end of credit, for a call or a connection: knows how much the peer may still send, and when to give it
 * more. It hands out credit in halves of its size, and doubles its size when a half was used up faster than two round
 * trips, up to `maxBytes`: the window then covers bandwidth × delay, and idle calls never pay for it.
 */
export class ReceiveWindow {
  #size: number;
  readonly #maxBytes: number;
  readonly #roundTrip: RoundTrip;
  /** What the peer may still send. */
  #available: number;
  /** Consumed, and not yet given back. */
  #consumed = 0;
  /** Given ahead, by `expect`. */
  #advanced = 0;
  #lastUpdateAt = 0;

  constructor(sizeBytes: number, maxBytes: number, roundTrip: RoundTrip) {
    this.#size = sizeBytes;
    this.#maxBytes = Math.max(sizeBytes, maxBytes);
    this.#available = sizeBytes;
    this.#roundTrip = roundTrip;
  }

  get sizeBytes(): number {
    return this.#size;
  }

  /** @throws ProtocolError when the peer had no credit for these bytes. */
  receive(bytes: number): void {
    this.#available -= bytes;
    if (this.#available < 0) throw new ProtocolError("the peer sent more than its credit");
  }

  /** Both at once, for bytes that nobody holds back. Returns the credit to send to the peer now. */
  pass(bytes: number): number {
    this.receive(bytes);
    return this.consume(bytes);
  }

  /** Takes note that bytes were consumed. Returns the credit to send to the peer now, often 0. */
  consume(bytes: number): number {
    if (this.#advanced === 0) {
      this.#consumed += bytes;
    } else {
      const paid = Math.min(bytes, this.#advanced);
      this.#advanced -= paid;
      this.#consumed += bytes - paid;
    }
    if (this.#consumed * 2 < this.#size) return 0;
    const credit = this.#consumed + this.#growth();
    this.#consumed = 0;
    this.#available += credit;
    return credit;
  }

  /**
   * So many bytes are still to come of a message that will be taken whole: the credit to send now, so that they need not
   * wait for the consumption of those before them. Often 0.
   */
  expect(bytes: number): number {
    const missing = bytes - this.#available;
    if (missing <= 0) return 0;
    this.#available += missing;
    this.#advanced += missing;
    return missing;
  }

  #growth(): number {
    const now = performance.now();
    const sinceLast = now - this.#lastUpdateAt;
    this.#lastUpdateAt = now;
    const { ms } = this.#roundTrip;
    if (ms === undefined || sinceLast > 2 * ms || this.#size >= this.#maxBytes) return 0;
    const growth = Math.min(this.#size, this.#maxBytes - this.#size);
    this.#size += growth;
    return growth;
  }
}

/** The sending end of credit: `available` plus what the peer has given. @throws ProtocolError on credit that is none. */
export function addCredit(available: number, credit: number): number {
  if (credit === 0) throw new ProtocolError("credit of zero bytes");
  const sum = available + credit;
  if (sum > maxCredit) throw new ProtocolError("credit beyond the protocol's most");
  return sum;
}
