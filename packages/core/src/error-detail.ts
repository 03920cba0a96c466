import { ByteWriter } from "./byte-writer.ts";
import type { MethodCodec } from "./method-codec.ts";
import type { ErrorDetail } from "./rpc-error.ts";
import { validate } from "./schema.ts";
import type { Method } from "./service.ts";

/** An error's detail as transports carry it. */
export interface EncodedDetail {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The details that the method declares and the codec can carry; others stay here. For transports. */
export function encodeDetails(details: readonly ErrorDetail[], codec: MethodCodec): EncodedDetail[] {
  const encoded: EncodedDetail[] = [];
  for (const { type, data } of details) {
    const writer = new ByteWriter(256);
    try {
      const detail = codec.detail(type);
      if (detail === undefined) continue;
      detail.encode(data, writer, false);
    } catch {
      // An error must reach its caller, also when what it carries cannot.
      continue;
    }
    encoded.push({ type, bytes: writer.buffer.subarray(0, writer.position) });
  }
  return encoded;
}

/** A detail from another machine. Its data is undefined when this end's contract does not know it or finds it invalid. */
export function decodeDetail(detail: EncodedDetail, method: Method, codec: MethodCodec): ErrorDetail {
  const { type, bytes } = detail;
  const failure = method.errors.find((one) => one.type === type);
  if (failure === undefined) return { type, data: undefined };
  try {
    const data = validate(failure.schema, codec.detail(type)?.decode(bytes, 0, bytes.length, false));
    // An error is delivered now; a validator that needs time is not waited for.
    return { type, data: data instanceof Promise ? ignored(data) : data };
  } catch {
    return { type, data: undefined };
  }
}

function ignored(promise: Promise<unknown>): undefined {
  promise.catch(() => {});
  return undefined;
}
