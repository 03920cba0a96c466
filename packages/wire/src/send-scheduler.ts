import type { MessageCodec } from "@farcall/core";
import { putU32, writeU32 } from "./field-writer.ts";
import { addCredit } from "./flow-window.ts";
import { DataFlag, FrameKind, initialConnectionCredit, maxDataBytes, messageOverheadBytes } from "./frame.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { WriteQueue } from "./write-queue.ts";

/** An encoded message that waits for credit or for its turn. */
interface Waiting {
  readonly bytes: Uint8Array;
  offset: number;
  /** `positional` and `end`. */
  readonly flags: number;
  next: Waiting | undefined;
}

/** Messages that wait, linked, so that taking the first costs the same however many there are. */
interface Backlog {
  first: Waiting;
  last: Waiting;
}

/** The part of a call that sends. */
export interface Sender {
  /** The call's number on its connection. */
  readonly id: number;
  /** What the peer allows this call to send still, bytes. */
  sendCredit: number;
  /** Messages that wait, undefined when there are none. Belongs to the scheduler. */
  waiting: Backlog | undefined;
  /** Everything that waited is written. */
  sendingCaughtUp(): void;
}

/** The peer's limit forbids a message; nothing of it was sent. */
export class MessageTooLarge extends Error {}

/**
 * Sends messages as credit allows. A message that fits leaves at once, in one frame, encoded in place. Any other is cut
 * into frames that take turns with those of other calls, so that a large message delays nobody.
 */
export class SendScheduler {
  /** The peer's limit on one message, bytes. */
  maxMessageBytes = 0xffffffff;
  #credit = initialConnectionCredit;
  readonly #queue: WriteQueue;
  /** Calls with something to send and credit of their own, in turn: the first goes to the end when it had its frame. */
  readonly #turns = new Set<Sender>();

  constructor(queue: WriteQueue) {
    this.#queue = queue;
  }

  /**
   * Sends one message in a `data` frame. Returns whether there is room for more.
   * @throws MessageTooLarge, or what the codec throws; nothing was sent then.
   */
  send(sender: Sender, codec: MessageCodec, value: unknown, positional: boolean, end: boolean): boolean {
    const { writer } = this.#queue;
    const frame = this.#queue.begin(FrameKind.data);
    putU32(writer.buffer, writer.position, sender.id);
    const flagsAt = writer.position + 4;
    writer.buffer[flagsAt] = (positional ? DataFlag.positional : 0) | (end ? DataFlag.end : 0);
    writer.position = flagsAt + 1;
    if (this.fits(frame, sender, codec, value, positional)) {
      this.#queue.finish(frame);
      return true;
    }
    const bytes = this.#queue.takeFrom(flagsAt + 1);
    const flags = writer.buffer[flagsAt] as number;
    this.#queue.abandon(frame);
    this.wait(sender, bytes, flags);
    return sender.waiting === undefined;
  }

  /**
   * Encodes a message at the end of a frame that was begun. True: it may stay there, and is paid for. False: it must be
   * taken out and wait. On an error the frame is abandoned.
   */
  fits(frame: number, sender: Sender, codec: MessageCodec, value: unknown, positional: boolean): boolean {
    const { writer } = this.#queue;
    const messageAt = writer.position;
    try {
      codec.encode(value, writer, positional);
    } catch (error) {
      this.#queue.abandon(frame);
      throw error;
    }
    const bytes = writer.position - messageAt;
    if (bytes > this.maxMessageBytes) {
      this.#queue.abandon(frame);
      throw new MessageTooLarge(
        `a message of ${bytes} bytes is larger than the peer's limit of ${this.maxMessageBytes}`,
      );
    }
    const cost = bytes + messageOverheadBytes;
    if (bytes > maxDataBytes || cost > sender.sendCredit || cost > this.#credit) return false;
    if (sender.waiting !== undefined || this.#queue.congested) return false;
    sender.sendCredit -= cost;
    this.#credit -= cost;
    return true;
  }

  /** Puts an encoded message behind what its call has waiting, and sends what may be sent. */
  wait(sender: Sender, bytes: Uint8Array, flags: number): void {
    const message: Waiting = { bytes, offset: 0, flags, next: undefined };
    if (sender.waiting === undefined) {
      sender.waiting = { first: message, last: message };
      this.#turns.add(sender);
    } else {
      sender.waiting.last.next = message;
      sender.waiting.last = message;
    }
    this.run();
  }

  /** Forgets what a call has waiting. */
  drop(sender: Sender): void {
    sender.waiting = undefined;
    this.#turns.delete(sender);
  }

  /** The peer gives a call credit. @throws ProtocolError */
  creditCall(sender: Sender, credit: number): void {
    sender.sendCredit = addCredit(sender.sendCredit, credit);
    if (sender.waiting === undefined || sender.sendCredit <= messageOverheadBytes) return;
    this.#turns.add(sender);
    this.run();
  }

  /** The peer gives the connection credit. @throws ProtocolError */
  creditConnection(credit: number): void {
    this.#credit = addCredit(this.#credit, credit);
    this.run();
  }

  /** The peer's hello offers more than the protocol's least. */
  begin(connectionCredit: number, maxMessageBytes: number): void {
    if (connectionCredit < this.#credit) throw new ProtocolError("the peer's hello takes credit back");
    this.#credit = connectionCredit;
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Writes frames of waiting messages, a frame a turn, until credit or room runs out. */
  run(): void {
    for (const sender of this.#turns) {
      if (this.#credit <= messageOverheadBytes || !this.#queue.hasRoom) return;
      this.#turns.delete(sender);
      const { waiting } = sender;
      // A call without credit leaves the turns until it gets some.
      if (waiting === undefined || sender.sendCredit <= messageOverheadBytes) continue;
      const message = waiting.first;
      this.#sendPart(sender, message);
      if (message.offset < message.bytes.length) {
        this.#turns.add(sender);
      } else if (message.next !== undefined) {
        waiting.first = message.next;
        this.#turns.add(sender);
      } else {
        sender.waiting = undefined;
        sender.sendingCaughtUp();
      }
    }
  }

  #sendPart(sender: Sender, message: Waiting): void {
    const { bytes, offset } = message;
    const overhead = offset === 0 ? messageOverheadBytes : 0;
    const left = bytes.length - offset;
    const length = Math.min(left, maxDataBytes, sender.sendCredit - overhead, this.#credit - overhead);
    const isWhole = offset === 0 && length === left;
    const isLast = length === left;
    const { writer } = this.#queue;
    const frame = this.#queue.begin(FrameKind.data);
    writeU32(writer, sender.id);
    const positional = offset === 0 ? message.flags & DataFlag.positional : 0;
    const sized = offset === 0 && !isWhole ? DataFlag.sized : 0;
    const part = offset > 0 ? DataFlag.part : 0;
    writer.buffer[writer.position++] = positional | sized | part | (isLast ? message.flags & DataFlag.end : 0);
    if (sized !== 0) writeU32(writer, bytes.length);
    writer.write(bytes.subarray(offset, offset + length));
    sender.sendCredit -= length + overhead;
    this.#credit -= length + overhead;
    message.offset += length;
    this.#queue.finish(frame);
  }
}
