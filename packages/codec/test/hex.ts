/** Bytes from hexadecimal digits; blanks are free. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(" ", ""), "hex"));
}

/** `head` as often as `count`, then `tail`. */
export function repeated(head: readonly number[], count: number, tail: readonly number[] = []): Uint8Array {
  const bytes = new Uint8Array(head.length * count + tail.length);
  for (let i = 0; i < count; i++) bytes.set(head, i * head.length);
  bytes.set(tail, head.length * count);
  return bytes;
}
