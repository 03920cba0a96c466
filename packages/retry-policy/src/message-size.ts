const numberBytes = 8;
const objectBytes = 32;
const stringBytes = 16;

/**
 * About how much memory a message takes, bytes, counted no further than `limit`. Messages are values here, and encoding
 * one only to measure it would cost as much as sending it. Strings count their length, binary data its bytes, numbers 8;
 * each object, string and field a little more. What is reached twice counts twice, so that cycles end at the limit.
 */
export function messageSize(value: unknown, limit: number): number {
  let bytes = 0;
  const rest: unknown[] = [value];
  while (rest.length > 0 && bytes < limit) {
    const one = rest.pop();
    if (typeof one === "string") {
      bytes += stringBytes + one.length;
    } else if (typeof one !== "object" || one === null) {
      bytes += numberBytes;
    } else if (ArrayBuffer.isView(one) || one instanceof ArrayBuffer) {
      bytes += objectBytes + one.byteLength;
    } else {
      bytes += objectBytes;
      if (Array.isArray(one) || one instanceof Set) {
        for (const item of one) {
          bytes += numberBytes;
          if (bytes >= limit) break;
          if (!isSmall(item)) rest.push(item);
        }
      } else if (one instanceof Map) {
        for (const [key, item] of one) rest.push(key, item);
      } else {
        for (const key in one) {
          const item = (one as Record<string, unknown>)[key];
          bytes += 2 * numberBytes;
          if (!isSmall(item)) rest.push(item);
        }
      }
    }
  }
  return bytes;
}

function isSmall(value: unknown): boolean {
  return typeof value === "number" || typeof value === "boolean" || value === undefined || value === null;
}
