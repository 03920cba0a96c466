// One float at a time goes through this, because a DataView on the message itself would have to be made per message.
const scratch = new Uint8Array(8);
const view = new DataView(scratch.buffer);

/** The longest thing that `writeNumber`, `writeBigint` and `writeHead` write. */
export const maxNumberBytes = 9;

/** Writes a head of the major type, whose three bits are at the top of `major`, and says where it ends. */
export function writeHead(buffer: Uint8Array, at: number, major: number, size: number): number {
  if (size < 24) {
    buffer[at] = major | size;
    return at + 1;
  }
  if (size < 0x100) {
    buffer[at] = major | 24;
    buffer[at + 1] = size;
    return at + 2;
  }
  if (size < 0x10000) {
    buffer[at] = major | 25;
    buffer[at + 1] = size >> 8;
    buffer[at + 2] = size;
    return at + 3;
  }
  buffer[at] = major | 26;
  buffer[at + 1] = size >>> 24;
  buffer[at + 2] = size >>> 16;
  buffer[at + 3] = size >>> 8;
  buffer[at + 4] = size;
  return at + 5;
}

/** Bytes of the head that `writeHead` writes. */
export function headBytes(size: number): number {
  return size < 24 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
}

/** As cbor-x does: integers of up to 32 bits as such, everything else as a double. */
export function writeNumber(buffer: Uint8Array, at: number, value: number): number {
  if (value >>> 0 === value) return writeHead(buffer, at, 0x00, value);
  if (value < 0 && value >= -0x1_0000_0000 && Math.floor(value) === value) {
    return writeHead(buffer, at, 0x20, -1 - value);
  }
  return writeDouble(buffer, at, value);
}

export function writeDouble(buffer: Uint8Array, at: number, value: number): number {
  view.setFloat64(0, value);
  buffer[at] = 0xfb;
  return writeScratch(buffer, at);
}

/** Of at most 64 bits, whose magnitude is `bits`. */
export function writeBigint(buffer: Uint8Array, at: number, head: number, bits: bigint): number {
  view.setBigUint64(0, bits);
  buffer[at] = head;
  return writeScratch(buffer, at);
}

function writeScratch(buffer: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) buffer[at + 1 + i] = scratch[i]!;
  return at + 9;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function readFloat(bytes: Uint8Array, at: number): number {
  view.setUint32(0, readUint32(bytes, at));
  return view.getFloat32(0);
}

export function readDouble(bytes: Uint8Array, at: number): number {
  view.setUint32(0, readUint32(bytes, at));
  view.setUint32(4, readUint32(bytes, at + 4));
  return view.getFloat64(0);
}

export function readBigUint64(bytes: Uint8Array, at: number): bigint {
  view.setUint32(0, readUint32(bytes, at));
  view.setUint32(4, readUint32(bytes, at + 4));
  return view.getBigUint64(0);
}
