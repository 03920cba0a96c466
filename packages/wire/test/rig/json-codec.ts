import type { Codec } from "@farcall/core";

/** JSON, with an array of the values as its positional form when there is a `layout`. */
export function json(layout?: Uint8Array): Codec {
  return {
    name: "json",
    message: () => ({
      ...(layout === undefined ? {} : { layout }),
      encode(value, into, positional) {
        const text = JSON.stringify(positional ? Object.values(value as object) : value);
        if (text === undefined) throw new TypeError("not JSON");
        into.write(Buffer.from(text));
      },
      decode(bytes, start, end, positional) {
        const value: unknown = JSON.parse(Buffer.from(bytes.subarray(start, end)).toString());
        return positional ? { positional: value } : value;
      },
    }),
  };
}
