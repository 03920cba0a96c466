import { type Call, type MessageCodec, type Processed, RpcError } from "@farcall/core";
import { readU32 } from "./byte-reader.ts";
import type { Channel } from "./channel.ts";
import { maxConnectionWindowBytes } from "./channel.ts";
import { ReceiveWindow } from "./flow-window.ts";
import { DataFlag, initialCallCredit, messageOverheadBytes, sharedSizeBytes, totalSizeBytes } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";
import { Reassembly } from "./reassembly.ts";
import { MessageTooLarge, type Sender } from "./send-scheduler.ts";

/** Largest size that a call's window grows to, bytes. */
const maxCallWindowBytes = maxConnectionWindowBytes / 2;

/**
 * What the two ends of a call on a channel have in common: sending under credit, and receiving messages, whole or in
 * parts, with credit given back as they are read. The ends differ in what frames mean, and are in the classes that
 * extend this one.
 */
export abstract class MultiplexedCall implements Sender {
  /** Set once, before anything is sent. */
  id: number;
  sendCredit: number;
  waiting: Sender["waiting"] = undefined;
  protected readonly channel: Channel;
  /** Made for directions with more than one small message. */
  #window: ReceiveWindow | undefined = undefined;
  #partial: Reassembly | undefined = undefined;
  /** The reader said that it has no room; what is received now is not given back yet. */
  #held = false;
  #unread = 0;
  over = false;

  constructor(channel: Channel, id: number, sendCredit: number) {
    this.channel = channel;
    this.id = id;
    this.sendCredit = sendCredit;
  }

  abstract sendingCaughtUp(): void;
  /** A whole message. Returns whether there is room for more. */
  protected abstract deliver(value: unknown, end: boolean): boolean;
  /** The message cannot be accepted; the call ends. */
  protected abstract refuse(error: RpcError): void;

  /**
   * The message part of a `start` or `data` frame.
   * @throws ProtocolError when it breaks the rules of parts or credit.
   */
  protected receive(
    codec: MessageCodec,
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessageBytes: number,
  ): void {
    if ((flags & DataFlag.many) !== 0) return this.#receiveMany(codec, flags, bytes, start, end, maxMessageBytes);
    const cost = messageCost(flags, bytes, start, end);
    if ((flags & (DataFlag.sized | DataFlag.part)) === 0) {
      this.#take(cost, (flags & DataFlag.end) === 0);
      if (this.#partial !== undefined) throw insideAnother();
      if (end - start > maxMessageBytes) return this.refuse(tooLarge(end - start, maxMessageBytes));
      this.#accept(codec, flags, bytes, start, end, false);
      return this.#give(cost);
    }
    this.#take(cost, true);
    if ((flags & DataFlag.sized) !== 0) {
      const total = this.#begin(flags, bytes, start, end);
      if (total > maxMessageBytes) return this.refuse(tooLarge(total, maxMessageBytes));
      this.#partial = new Reassembly(total, flags & DataFlag.positional, this.channel.ahead);
      start += totalSizeBytes;
      const ahead = this.#held ? 0 : (this.#window?.expect(total - (end - start)) ?? 0);
      if (ahead > 0) this.channel.credit(this.id, ahead);
    }
    const partial = this.#partial;
    if (partial === undefined) throw new ProtocolError("a part of a message that was not begun");
    partial.add(bytes, start, end);
    if (partial.isComplete) {
      this.#partial = undefined;
      this.#accept(codec, (flags & DataFlag.end) | partial.flags, partial.bytes, 0, partial.total, true);
    } else if ((flags & DataFlag.end) !== 0) {
      throw new ProtocolError("the end in the middle of a message");
    }
    this.#give(cost);
  }

  /** Several messages that share a frame. */
  #receiveMany(
    codec: MessageCodec,
    flags: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    maxMessageBytes: number,
  ): void {
    if ((flags & (DataFlag.sized | DataFlag.part)) !== 0) throw new ProtocolError("parts among several messages");
    // Also finds out that all of them are there.
    const cost = messageCost(flags, bytes, start, end);
    this.#take(cost, true);
    if (this.#partial !== undefined) throw insideAnother();
    for (let at = start; at < end && !this.over;) {
      const size = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
      const from = at + sharedSizeBytes;
      at = from + size;
      if (size > maxMessageBytes) return this.refuse(tooLarge(size, maxMessageBytes));
      this.#accept(codec, at === end ? flags : flags & ~DataFlag.end, bytes, from, at, false);
    }
    this.#give(cost);
  }

  /** Has the peer begun a message and not ended it? */
  protected get midMessage(): boolean {
    return this.#partial !== undefined;
  }

  /** Gives back what was held, because the reader has room again. */
  protected release(): void {
    this.#held = false;
    const unread = this.#unread;
    if (unread === 0) return;
    this.#unread = 0;
    this.channel.hold(-unread);
    this.#give(unread);
  }

  /** The call is over: nothing is kept or held for it any more. */
  protected discard(): void {
    this.over = true;
    if (this.#partial !== undefined) this.#forgetPartial();
    this.channel.sender.drop(this);
    if (this.#unread > 0) this.channel.hold(-this.#unread);
    this.#unread = 0;
  }

  #forgetPartial(): void {
    this.#partial?.abandon();
    this.#partial = undefined;
  }

  /** The announced length of a message that comes in parts. */
  #begin(flags: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#partial !== undefined || (flags & DataFlag.part) !== 0) throw insideAnother();
    if (end - start < totalSizeBytes) throw new ProtocolError("a sized message without its size");
    const total = readU32(bytes, start);
    if (end - start - totalSizeBytes >= total) throw new ProtocolError("a sized message that fits its first part");
    return total;
  }

  /** Counts bytes against the connection's credit, and the call's where more may follow. */
  #take(cost: number, mayContinue: boolean): void {
    this.channel.received(cost);
    if (mayContinue) this.#window ??= new ReceiveWindow(initialCallCredit, maxCallWindowBytes, this.channel.roundTrip);
    this.#window?.receive(cost);
  }

  #give(cost: number): void {
    if (this.over) return;
    if (this.#held) {
      this.#unread += cost;
      this.channel.hold(cost);
      return;
    }
    const credit = this.#window?.consume(cost) ?? 0;
    if (credit > 0) this.channel.credit(this.id, credit);
  }

  /** Decodes one message and delivers it. `owned`: the bytes are the message's for good. */
  #accept(codec: MessageCodec, flags: number, bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    let value: unknown;
    try {
      value = codec.decode(bytes, start, end, (flags & DataFlag.positional) !== 0, owned);
    } catch (error) {
      return this.refuse(
        new RpcError("INTERNAL", `cannot decode a message: ${(error as Error)?.message ?? String(error)}`, {
          cause: error,
          processed: "no",
        }),
      );
    }
    if (!this.deliver(value, (flags & DataFlag.end) !== 0)) this.#held = true;
  }
}

/**
 * What the message part of a frame costs in credit, also when nobody wants it any more.
 * @throws ProtocolError when it should hold several messages, and does not.
 */
export function messageCost(flags: number, bytes: Uint8Array, start: number, end: number): number {
  if ((flags & DataFlag.part) !== 0) return end - start;
  if ((flags & DataFlag.many) === 0) {
    return end - start + messageOverheadBytes - ((flags & DataFlag.sized) !== 0 ? totalSizeBytes : 0);
  }
  let count = 0;
  let at = start;
  for (; end - at >= sharedSizeBytes; count++) {
    at += sharedSizeBytes + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
  }
  if (at !== end || count === 0) throw new ProtocolError("several messages that do not fill their frame");
  return end - start + count * (messageOverheadBytes - sharedSizeBytes);
}

function insideAnother(): ProtocolError {
  return new ProtocolError("a message inside another of the same call");
}

function tooLarge(bytes: number, limit: number): RpcError {
  const message = `a message of ${bytes} bytes is larger than the limit of ${limit}`;
  return new RpcError("RESOURCE_EXHAUSTED", message, { processed: "no" });
}

/** The error of a message that could not be encoded or is too large for the peer. */
export function sendingError(call: Call, what: string, error: unknown, processed: Processed): RpcError {
  const tooMuch = error instanceof MessageTooLarge;
  const text = (error as Error)?.message ?? String(error);
  return new RpcError(
    tooMuch ? "RESOURCE_EXHAUSTED" : "INTERNAL",
    `${call.method.fullName}: cannot send ${what}: ${text}`,
    {
      cause: error,
      processed,
    },
  );
}
