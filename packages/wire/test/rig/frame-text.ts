/**
 * PROTOCOL.md a second time, written from the document and not from the sources: frames as plain objects, to bytes and
 * back. Tests compare the two.
 */
export type Frame = { readonly kind: string } & Readonly<Record<string, unknown>>;

export const kinds: Readonly<Record<string, number>> = {
  hello: 0x01,
  bind: 0x02,
  bound: 0x03,
  start: 0x10,
  data: 0x11,
  end: 0x12,
  header: 0x13,
  status: 0x14,
  cancel: 0x15,
  credit: 0x16,
  ping: 0x20,
  pong: 0x21,
  goAway: 0x22,
};
export const preface = "46415243414c4c01";

// The fields differ by kind, and tests read any of them.
type Fields = any;

class Out {
  readonly bytes: number[] = [];
  u8(value: number): this {
    this.bytes.push(value & 0xff);
    return this;
  }
  u32(value: number): this {
    return this.u8(value)
      .u8(value >>> 8)
      .u8(value >>> 16)
      .u8(value >>> 24);
  }
  varint(value: number): this {
    while (value > 127) {
      this.u8((value % 128) + 128);
      value = Math.floor(value / 128);
    }
    return this.u8(value);
  }
  raw(bytes: Iterable<number>): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }
  block(bytes: Iterable<number>): this {
    const list = [...bytes];
    return this.varint(list.length).raw(list);
  }
  string(text: string): this {
    return this.block(Buffer.from(text));
  }
  strings(texts: string[]): this {
    this.varint(texts.length);
    for (const text of texts) this.string(text);
    return this;
  }
  metadata(entries: [string, string][]): this {
    const block = new Out();
    for (const [key, value] of entries) {
      block.string(key).block(key.endsWith("-bin") ? Buffer.from(value, "hex") : Buffer.from(value, "latin1"));
    }
    return this.block(block.bytes);
  }
}

class In {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  u8(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Error("the frame is too short");
    return byte;
  }
  u32(): number {
    return this.u8() + this.u8() * 2 ** 8 + this.u8() * 2 ** 16 + this.u8() * 2 ** 24;
  }
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }
  raw(length: number): Buffer {
    this.at += length;
    return Buffer.from(this.bytes.subarray(this.at - length, this.at));
  }
  block(): Buffer {
    return this.raw(this.varint());
  }
  string(): string {
    return this.block().toString();
  }
  strings(): string[] {
    return Array.from({ length: this.varint() }, () => this.string());
  }
  metadata(): [string, string][] {
    const block = new In(this.block());
    const entries: [string, string][] = [];
    while (block.at < block.bytes.length) {
      const key = block.string();
      entries.push([key, block.block().toString(key.endsWith("-bin") ? "hex" : "latin1")]);
    }
    return entries;
  }
  rest(): Buffer {
    return this.raw(this.bytes.length - this.at);
  }
}

/**
 * The bytes of a frame, header included. `rawKind` and `raw` make frames that no document knows, and `many` beside a
 * `message` makes one that says it holds several messages and holds these bytes.
 */
export function encode(frame: Frame): Uint8Array {
  const out = new Out();
  const f = frame as Fields;
  switch (frame.kind) {
    case "hello":
      out
        .u8(f.lowestVersion)
        .u8(f.highestVersion)
        .varint(f.capabilities)
        .varint(f.callCredit)
        .varint(f.connectionCredit);
      out.varint(f.maxMessageBytes).varint(f.maxMetadataBytes).varint(f.maxCalls);
      out.strings(f.codecs).strings(f.features).metadata(f.metadata);
      break;
    case "bind":
      out.varint(f.binding).u8(f.call).string(f.codec).string(f.method);
      out.block(Buffer.from(f.requestLayout, "hex")).block(Buffer.from(f.responseLayout, "hex"));
      break;
    case "bound":
      out.varint(f.binding).u8((f.request ? 1 : 0) | (f.response ? 2 : 0));
      break;
    case "start":
      out.u32(f.call);
      out.u8(
        (f.message === undefined ? 0 : 0x01) |
          (f.end ? 0x02 : 0) |
          (f.positional ? 0x08 : 0) |
          (f.timeLeftMs === undefined ? 0 : 0x10) |
          (f.metadata ? 0x20 : 0) |
          (f.attempt === undefined ? 0 : 0x40),
      );
      out.varint(f.binding);
      if (f.timeLeftMs !== undefined) out.varint(f.timeLeftMs);
      if (f.attempt !== undefined) out.varint(f.attempt);
      if (f.metadata) out.metadata(f.metadata);
      if (f.message !== undefined) out.raw(bytesOf(f.message));
      break;
    case "data":
      out.u32(f.call);
      out.u8(
        (f.end ? 0x02 : 0) |
          (f.size === undefined ? 0 : 0x04) |
          (f.positional ? 0x08 : 0) |
          (f.messages || f.many ? 0x10 : 0) |
          (f.part ? 0x80 : 0),
      );
      if (f.size !== undefined) out.u32(f.size);
      for (const message of f.messages ?? []) {
        const bytes = bytesOf(message);
        out
          .u8(bytes.length)
          .u8(bytes.length >>> 8)
          .raw(bytes);
      }
      if (f.message !== undefined) out.raw(bytesOf(f.message));
      break;
    case "end":
      out.u32(f.call);
      break;
    case "header":
      out.u32(f.call).metadata(f.metadata);
      break;
    case "status":
      out.u32(f.call).u8(f.code);
      out.u8(
        ["no", "unknown", "yes"].indexOf(f.processed) |
          (typeof f.retryAfterMs === "number" ? 0x04 : 0) |
          (f.retryAfterMs === "never" ? 0x08 : 0) |
          (f.details ? 0x10 : 0) |
          (f.trailers ? 0x20 : 0),
      );
      out.string(f.message);
      if (typeof f.retryAfterMs === "number") out.varint(f.retryAfterMs);
      if (f.details) {
        out.varint(f.details.length);
        for (const { type, bytes } of f.details) out.string(type).block(bytesOf(bytes));
      }
      if (f.trailers) out.metadata(f.trailers);
      break;
    case "cancel":
      out.u32(f.call).u8(f.code);
      break;
    case "credit":
      out.u32(f.call === "connection" ? 0xffffffff : f.call).u32(f.bytes);
      break;
    case "ping":
    case "pong":
      out.raw(Buffer.from(f.payload, "hex"));
      break;
    case "goAway":
      out.u32(f.accepted).u8(f.code).string(f.message);
      break;
    default:
      out.raw(Buffer.from(f.raw ?? "", "hex"));
  }
  return withHeader(kinds[frame.kind] ?? f.rawKind, Uint8Array.from(out.bytes));
}

export function withHeader(kind: number, fields: Uint8Array): Uint8Array {
  const { length } = fields;
  return Uint8Array.from([length & 0xff, (length >> 8) & 0xff, length >> 16, kind, ...fields]);
}

/** What a frame without its header says. */
export function decode(kind: number, bytes: Uint8Array): Frame {
  const name = Object.keys(kinds).find((one) => kinds[one] === kind);
  const from = new In(bytes);
  const f: Fields = { kind: name ?? `0x${kind.toString(16)}` };
  switch (name ?? "") {
    case "hello":
      for (const field of ["lowestVersion", "highestVersion"]) f[field] = from.u8();
      for (const field of [
        "capabilities",
        "callCredit",
        "connectionCredit",
        "maxMessageBytes",
        "maxMetadataBytes",
        "maxCalls",
      ]) {
        f[field] = from.varint();
      }
      f.codecs = from.strings();
      f.features = from.strings();
      f.metadata = from.metadata();
      break;
    case "bind":
      Object.assign(f, { binding: from.varint(), call: from.u8(), codec: from.string(), method: from.string() });
      f.requestLayout = from.block().toString("hex");
      f.responseLayout = from.block().toString("hex");
      break;
    case "bound": {
      f.binding = from.varint();
      const flags = from.u8();
      Object.assign(f, { request: (flags & 1) !== 0, response: (flags & 2) !== 0 });
      break;
    }
    case "start": {
      f.call = from.u32();
      const flags = from.u8();
      f.binding = from.varint();
      if (flags & 0x10) f.timeLeftMs = from.varint();
      if (flags & 0x40) f.attempt = from.varint();
      if (flags & 0x20) f.metadata = from.metadata();
      if (flags & 0x08) f.positional = true;
      if (flags & 0x02) f.end = true;
      if (flags & 0x01) f.message = textOf(from.rest());
      break;
    }
    case "data": {
      f.call = from.u32();
      const flags = from.u8();
      if (flags & 0x04) f.size = from.u32();
      if (flags & 0x80) f.part = true;
      if (flags & 0x08) f.positional = true;
      if (flags & 0x02) f.end = true;
      if (flags & 0x10) {
        f.messages = [];
        do f.messages.push(textOf(from.raw(from.u8() + from.u8() * 2 ** 8)));
        while (from.at < bytes.length);
      } else {
        f.message = textOf(from.rest());
      }
      break;
    }
    case "end":
      f.call = from.u32();
      break;
    case "header":
      f.call = from.u32();
      f.metadata = from.metadata();
      break;
    case "status": {
      f.call = from.u32();
      f.code = from.u8();
      const flags = from.u8();
      f.processed = ["no", "unknown", "yes"][flags & 3];
      f.message = from.string();
      if (flags & 0x04) f.retryAfterMs = from.varint();
      if (flags & 0x08) f.retryAfterMs = "never";
      if (flags & 0x10) {
        f.details = Array.from({ length: from.varint() }, () => ({ type: from.string(), bytes: textOf(from.block()) }));
      }
      if (flags & 0x20) f.trailers = from.metadata();
      break;
    }
    case "cancel":
      Object.assign(f, { call: from.u32(), code: from.u8() });
      break;
    case "credit": {
      const call = from.u32();
      Object.assign(f, { call: call === 0xffffffff ? "connection" : call, bytes: from.u32() });
      break;
    }
    case "ping":
    case "pong":
      f.payload = from.rest().toString("hex");
      break;
    case "goAway":
      Object.assign(f, { accepted: from.u32(), code: from.u8(), message: from.string() });
      break;
    default:
      f.raw = from.rest().toString("hex");
  }
  if (from.at !== bytes.length) throw new Error(`${String(f.kind)} has bytes left over`);
  return f as Frame;
}

/** Cuts bytes behind the preface into frames; a beginning that is not whole is left out. */
export function decodeAll(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const end = at + 4 + (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16));
    if (end > bytes.length) break;
    frames.push(decode(bytes[at + 3]!, bytes.subarray(at + 4, end)));
    at = end;
  }
  return frames;
}

/** The messages of one call that are whole, however they were framed. */
export function messagesOf(frames: readonly Frame[], call: number): string[] {
  const whole: string[] = [];
  let begun = "";
  let size = 0;
  for (const f of frames as readonly Fields[]) {
    if (f.kind !== "data" || f.call !== call) continue;
    if (f.messages !== undefined) {
      whole.push(...f.messages);
    } else if (f.size === undefined && !f.part) {
      whole.push(f.message);
    } else {
      size = f.size ?? size;
      begun += f.message;
      if (begun.length < size) continue;
      whole.push(begun);
      begun = "";
    }
  }
  return whole;
}

function bytesOf(message: string | Uint8Array): Uint8Array {
  if (typeof message !== "string") return message;
  return message.startsWith("hex:") ? Buffer.from(message.slice(4), "hex") : Buffer.from(message);
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString();
  return /^[\x20-\x7e]*$/.test(text) ? text : `hex:${bytes.toString("hex")}`;
}
