// Above this a TextDecoder is the faster judge, below it a loop.
const longBytes = 512;
const strict = new TextDecoder("utf-8", { fatal: true });

/** Whether the bytes from `start` to `end` are UTF-8 as RFC 3629 has it: no surrogates, nothing longer than needed. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (end - start > longBytes) return isLongUtf8(bytes, start, end);
  while (at < end && bytes[at]! < 0x80) at++;
  while (at < end) {
    const lead = bytes[at++]!;
    if (lead < 0x80) continue;
    const second = bytes[at]!;
    let more: number;
    if (lead >= 0xc2 && lead <= 0xdf) more = 1;
    else if (lead >= 0xe0 && lead <= 0xef) {
      if (lead === 0xe0 && second < 0xa0) return false;
      if (lead === 0xed && second > 0x9f) return false;
      more = 2;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      if (lead === 0xf0 && second < 0x90) return false;
      if (lead === 0xf4 && second > 0x8f) return false;
      more = 3;
    } else return false;
    if (at + more > end) return false;
    for (; more > 0; more--) if ((bytes[at++]! & 0xc0) !== 0x80) return false;
  }
  return true;
}

function isLongUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  try {
    strict.decode(bytes.subarray(start, end));
    return true;
  } catch {
    return false;
  }
}

/** Whether the nine bytes at `at` are `__proto__`. */
export function isProtoKey(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 9; i++) if (bytes[at + i] !== proto[i]) return false;
  return true;
}

const proto = new TextEncoder().encode("__proto__");
