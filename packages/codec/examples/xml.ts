import type { Codec, MessageCodec } from "@farcall/core";
import { XMLBuilder, XMLParser, XMLValidator } from "fast-xml-parser";

/** Messages of JSON values as XML: `<v type="object"><v type="number" key="a">1</v></v>`. */
export function xml(maxDepth = 64): Codec {
  const options = { ignoreAttributes: false, attributeNamePrefix: "", suppressBooleanAttributes: false };
  const builder = new XMLBuilder(options);
  const asList = (tag: string): boolean => tag === "v";
  const parser = new XMLParser({
    ...options,
    parseTagValue: false,
    trimValues: false,
    maxNestedTags: maxDepth,
    isArray: asList,
  });
  const message: MessageCodec = {
    encode(value, into) {
      const plain: unknown = JSON.parse(JSON.stringify(value)); // asks toJSON, refuses cycles and bigints
      into.write(new TextEncoder().encode(builder.build({ v: nodeOf(plain) })));
    },
    decode(bytes, start, end) {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, end));
      const valid = text.includes("<!") ? "a document type" : XMLValidator.validate(text);
      if (valid !== true) throw new Error(`not the XML of a message: ${JSON.stringify(valid)}`);
      return valueOf((parser.parse(text) as { v: [Node] }).v[0]);
    },
  };
  return { name: "xml", message: () => message };
}

type Node = { type: string; key?: string; "#text"?: string; v?: Node[] };

function nodeOf(value: unknown, name?: string): Node {
  const key = name === undefined ? {} : { key: name };
  if (typeof value === "string") return { type: "string", ...key, "#text": value };
  if (typeof value !== "object" || value === null)
    return { type: value === null ? "null" : typeof value, ...key, "#text": JSON.stringify(value) };
  if (Array.isArray(value)) return { type: "array", ...key, v: value.map((item) => nodeOf(item)) };
  return { type: "object", ...key, v: Object.entries(value).map(([name, item]) => nodeOf(item, name)) };
}

function valueOf({ type, v = [], "#text": text = "" }: Node): unknown {
  if (type === "array") return v.map(valueOf);
  if (type === "object") return Object.fromEntries(v.map((node) => [node.key ?? "", valueOf(node)]));
  if (type === "string") return text;
  if (type === "number" || type === "boolean" || type === "null") return JSON.parse(text);
  throw new Error(`unknown type ${type}`);
}
