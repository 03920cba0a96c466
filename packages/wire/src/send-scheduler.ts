import type { MessageCodec } from "@farcall/core";
import { putU32, writeU32 } from "./field-writer.ts";
import { addCredit } from "./flow-window.ts";
import {
  dataFieldBytes,
  DataFlag,
  FrameKind,
  headerBytes,
  initialConnectionCredit,
  maxDataBytes,
  maxManyBytes,
  maxPartBytes,
  messageOverheadBytes,
  sharedSizeBytes,
} from "./frame.ts";
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
  /** The call has ended: nothing more of it is sent. */
  readonly over: boolean;
  /** Everything that waited is written. */
  sendingCaughtUp(): void;
}

/** The peer's limit forbids a message; nothing of it was sent. */
export class MessageTooLarge extends Error {}

const nobody = new Set<never>() as Set<Sender>;

/** A frame for messages of a stream takes no more when it is this long, bytes. */
const maxSharedBytes = 32 * 1024;

/** What precedes a part in its frame: header, call, flags. */
const partHeaderBytes = headerBytes + dataFieldBytes;

/** Parts from this size on are written from where the message is; smaller ones are copied and leave with others. */
const inPlaceBytes = 16 * 1024;

/**
 * Sends messages as credit allows. A message that fits leaves with its turn, encoded in place. Any other is cut
 * into frames that take turns with those of other calls, so that a large message delays nobody.
 */
export class SendScheduler {
  /** The peer's limit on one message, bytes. */
  maxMessageBytes = 0xffffffff;
  #credit = initialConnectionCredit;
  readonly #queue: WriteQueue;
  /** Calls with something to send and credit of their own, in turn: the first goes to the end when it had its frame. */
  #turns: Set<Sender> = nobody;
  /** The last frame that messages of a stream share: it takes more while nothing was written behind it. */
  readonly #shared = { sender: undefined as Sender | undefined, start: 0, end: -1, flush: -1, flags: 0 };

  constructor(queue: WriteQueue) {
    this.#queue = queue;
  }

  /**
   * Sends one message of a call that sends no other in a `data` frame. Returns whether there is room for more.
   * @throws MessageTooLarge, or what the codec throws; nothing was sent then.
   */
  send(sender: Sender, codec: MessageCodec, value: unknown, positional: boolean, end: boolean): boolean {
    const { writer } = this.#queue;
    const flags = (positional ? DataFlag.positional : 0) | (end ? DataFlag.end : 0);
    const frame = this.#beginData(sender, flags);
    const messageAt = writer.position;
    const fits = this.fits(frame, sender, codec, value, positional);
    if (sender.over) {
      this.#queue.abandon(frame);
      return true;
    }
    if (fits) {
      this.pay(sender, writer.position - messageAt);
      this.#queue.finish(frame);
      return true;
    }
    const bytes = this.#queue.takeFrom(messageAt);
    this.#queue.abandon(frame);
    this.wait(sender, bytes, flags);
    return sender.waiting === undefined;
  }

  /**
   * Sends a message of a stream. Those that a call sends one after the other share a frame until it leaves: a frame for
   * each would cost both ends more than a small message itself.
   * @throws MessageTooLarge, or what the codec throws; nothing was sent then.
   */
  sendNext(sender: Sender, codec: MessageCodec, value: unknown, positional: boolean): boolean {
    const queue = this.#queue;
    const { writer } = queue;
    const shared = this.#shared;
    const flags = positional ? DataFlag.many | DataFlag.positional : DataFlag.many;
    const goesOn =
      shared.sender === sender &&
      shared.end === writer.position &&
      shared.flush === queue.flushes &&
      shared.flags === flags &&
      writer.position - shared.start < maxSharedBytes;
    const frame = goesOn ? shared.start : this.#beginData(sender, flags);
    if (goesOn) queue.reopen();
    const sizeAt = writer.position;
    // Taken back to here when the message cannot go: what shares the frame with it stays.
    const undoTo = goesOn ? sizeAt : frame;
    writer.reserve(sharedSizeBytes);
    writer.position = sizeAt + sharedSizeBytes;
    const fits = this.fits(undoTo, sender, codec, value, positional);
    if (sender.over) {
      queue.abandon(undoTo);
      return true;
    }
    if (fits) {
      const { buffer, position } = writer;
      const size = position - sizeAt - sharedSizeBytes;
      this.pay(sender, size);
      buffer[sizeAt] = size;
      buffer[sizeAt + 1] = size >>> 8;
      shared.sender = sender;
      shared.start = frame;
      shared.end = position;
      shared.flush = queue.flushes;
      shared.flags = flags;
      queue.finish(frame);
      return true;
    }
    const bytes = queue.takeFrom(sizeAt + sharedSizeBytes);
    queue.abandon(undoTo);
    this.wait(sender, bytes, flags & DataFlag.positional);
    return sender.waiting === undefined;
  }

  /**
   * Encodes a message at the end of a frame that was begun. True: it may stay there, and `pay` follows unless code that
   * ran meanwhile has ended the call. False: it must be taken out and wait. On an error the buffer is taken back to
   * `undoTo`.
   */
  fits(undoTo: number, sender: Sender, codec: MessageCodec, value: unknown, positional: boolean): boolean {
    const { writer } = this.#queue;
    const messageAt = writer.position;
    try {
      codec.encode(value, writer, positional);
    } catch (error) {
      this.#queue.abandon(undoTo);
      throw error;
    }
    const bytes = writer.position - messageAt;
    if (bytes > this.maxMessageBytes) {
      this.#queue.abandon(undoTo);
      throw new MessageTooLarge(
        `a message of ${bytes} bytes is larger than the peer's limit of ${this.maxMessageBytes}`,
      );
    }
    const cost = bytes + messageOverheadBytes;
    if (bytes > maxManyBytes || cost > sender.sendCredit || cost > this.#credit) return false;
    return sender.waiting === undefined && !this.#queue.congested;
  }

  /** A message of so many bytes leaves in its frame. */
  pay(sender: Sender, bytes: number): void {
    const cost = bytes + messageOverheadBytes;
    sender.sendCredit -= cost;
    this.#credit -= cost;
  }

  /** Puts an encoded message behind what its call has waiting, and sends what may be sent. */
  wait(sender: Sender, bytes: Uint8Array, flags: number): void {
    const message: Waiting = { bytes, offset: 0, flags, next: undefined };
    if (sender.waiting === undefined) {
      sender.waiting = { first: message, last: message };
      // Most connections never need one.
      if (this.#turns === nobody) this.#turns = new Set();
      this.#turns.add(sender);
    } else {
      sender.waiting.last.next = message;
      sender.waiting.last = message;
    }
    this.run();
  }

  /** Forgets what a call has waiting. */
  drop(sender: Sender): void {
    if (this.#shared.sender === sender) this.#shared.sender = undefined;
    if (sender.waiting === undefined) return;
    sender.waiting = undefined;
    this.#turns.delete(sender);
  }

  /** The peer gives a call credit. @throws ProtocolError */
  creditCall(sender: Sender, credit: number): void {
    sender.sendCredit = addCredit(sender.sendCredit, credit);
    if (sender.waiting === undefined || sender.sendCredit <= overheadOf(sender.waiting.first)) return;
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
      if (!this.#queue.hasRoom) return;
      const { waiting } = sender;
      const overhead = waiting === undefined ? 0 : overheadOf(waiting.first);
      if (this.#credit <= overhead) return;
      this.#turns.delete(sender);
      // A call without credit leaves the turns until it gets some.
      if (waiting === undefined || sender.sendCredit <= overhead) continue;
      const message = waiting.first;
      if (!this.#sendPart(sender, message)) {
        this.#turns.add(sender);
        return;
      }
      if (message.offset < message.bytes.length) {
        this.#turns.add(sender);
        continue;
      }
      this.#queue.release(message.bytes);
      if (message.next !== undefined) {
        waiting.first = message.next;
        this.#turns.add(sender);
      } else {
        sender.waiting = undefined;
        sender.sendingCaughtUp();
      }
    }
  }

  /** Begins a `data` frame; the message comes next. */
  #beginData(sender: Sender, flags: number): number {
    const frame = this.#queue.begin(FrameKind.data);
    const { writer } = this.#queue;
    const { buffer, position } = writer;
    putU32(buffer, position, sender.id);
    buffer[position + 4] = flags;
    writer.position = position + dataFieldBytes;
    return frame;
  }

  /** False: the connection takes nothing right now. */
  #sendPart(sender: Sender, message: Waiting): boolean {
    const { bytes, offset } = message;
    const overhead = overheadOf(message);
    const left = bytes.length - offset;
    const inPlace = offset >= partHeaderBytes && left >= inPlaceBytes;
    // Nobody waits behind the parts of the only call that sends.
    const most = inPlace && this.#turns.size === 0 ? maxPartBytes : maxDataBytes;
    const length = Math.min(left, most, sender.sendCredit - overhead, this.#credit - overhead);
    const isLast = length === left;
    const end = isLast ? message.flags & DataFlag.end : 0;
    if (inPlace) {
      if (!this.#queue.clear()) return false;
      // What was there has been sent, and memory that was written with `clear` true is this end's again.
      const start = offset - partHeaderBytes;
      putU32(bytes, start, length + partHeaderBytes - headerBytes);
      bytes[start + 3] = FrameKind.data;
      putU32(bytes, start + headerBytes, sender.id);
      bytes[offset - 1] = DataFlag.part | end;
      this.#queue.writeInPlace(bytes.subarray(start, offset + length));
    } else {
      const positional = offset === 0 ? message.flags & DataFlag.positional : 0;
      const sized = offset === 0 && !isLast ? DataFlag.sized : 0;
      const part = offset > 0 ? DataFlag.part : 0;
      const frame = this.#beginData(sender, positional | sized | part | end);
      const { writer } = this.#queue;
      if (sized !== 0) writeU32(writer, bytes.length);
      writer.write(bytes.subarray(offset, offset + length));
      this.#queue.finish(frame);
    }
    sender.sendCredit -= length + overhead;
    this.#credit -= length + overhead;
    message.offset += length;
    return true;
  }
}

/** What the next part of a message costs beside its bytes. */
function overheadOf(message: Waiting): number {
  return message.offset === 0 ? messageOverheadBytes : 0;
}
