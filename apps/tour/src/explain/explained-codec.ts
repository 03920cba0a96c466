import { type Codec, copyBytes } from "farcall";
import { followed } from "./contract.ts";
import type { Recorder } from "./recorder.ts";

const steps: Readonly<Record<string, { encode: number; decode: number; what: string }>> = {
  [`${followed.fullName}#input`]: { encode: 2, decode: 5, what: "the arguments" },
  [`${followed.fullName}#output`]: { encode: 7, decode: 8, what: "the result" },
};

/** The same codec, which also tells the recorder. The seam: a codec is a value with a name that makes encoders and decoders. */
export function explainedCodec(codec: Codec, where: string, recorder: Recorder): Codec {
  return {
    name: codec.name,
    message(type) {
      const inner = codec.message(type);
      const step = steps[type.name];
      if (step === undefined) return inner;
      return {
        layout: inner.layout,
        encode(value, into, positional) {
          const start = into.position;
          inner.encode(value, into, positional);
          const bytes = copyBytes(into.buffer, start, into.position);
          recorder.note({ step: step.encode, where, text: `encodes ${step.what} as ${codec.name}`, bytes });
        },
        decode(bytes, start, end, positional) {
          const value = inner.decode(bytes, start, end, positional);
          recorder.note({ step: step.decode, where, text: `decodes ${step.what}`, value });
          return value;
        },
      };
    },
  };
}
