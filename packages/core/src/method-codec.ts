import type { Codec, MessageCodec } from "./codec.ts";
import type { Method } from "./service.ts";

/** One codec prepared for one method: made once, used for every call. */
export interface MethodCodec {
  /** The codec's name. */
  readonly name: string;
  readonly request: MessageCodec;
  readonly response: MessageCodec;
  /** The codec of a declared failure's data; undefined when the method does not declare the type. */
  detail(type: string): MessageCodec | undefined;
}

const noDetails = new Map<string, MessageCodec>();

export function methodCodec(codec: Codec, method: Method): MethodCodec {
  const details = method.errors.length === 0 ? noDetails : new Map<string, MessageCodec>();
  for (const failure of method.errors) {
    details.set(failure.type, codec.message({ name: failure.type, schema: failure.schema }));
  }
  return {
    name: codec.name,
    request: codec.message({ name: `${method.fullName}#input`, schema: method.input }),
    response: codec.message({ name: `${method.fullName}#output`, schema: method.output }),
    detail: (type) => details.get(type),
  };
}
