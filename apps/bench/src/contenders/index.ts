import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Contender } from "../contender.ts";

/** Where each contender is, in the order of the reports. A process imports only those that it measures. */
const places: Readonly<Record<string, readonly [file: string, exported: string]>> = {
  net: ["net.ts", "net"],
  ws: ["ws.ts", "ws"],
  farcall: ["farcall-default.ts", "farcall"],
  "farcall-cbor": ["farcall-cbor.ts", "farcallCbor"],
  "farcall-json": ["farcall-json.ts", "farcallJson"],
  "farcall-msgpack": ["farcall-msgpack.ts", "farcallMsgpack"],
  "farcall-types": ["farcall-types.ts", "farcallTypes"],
  "ws-json": ["ws-json.ts", "wsJson"],
  http2: ["http2.ts", "http2"],
  "grpc-js": ["grpc-js.ts", "grpcJs"],
  "nice-grpc": ["nice-grpc.ts", "niceGrpc"],
  "connect-grpc": ["connect-node.ts", "connectGrpc"],
  connect: ["connect-node.ts", "connectConnect"],
  rsocket: ["rsocket.ts", "rsocket"],
  trpc: ["trpc.ts", "trpc"],
  orpc: ["orpc.ts", "orpc"],
  capnweb: ["capnweb.ts", "capnweb"],
  "socket-io": ["socket-io.ts", "socketIo"],
  birpc: ["birpc.ts", "birpc"],
};

export const contenderNames: readonly string[] = Object.keys(places);

/** Is it the path of a contender of somebody's own, rather than a name? */
export function isContenderFile(source: string): boolean {
  return source.endsWith(".ts");
}

/** The file of a contender and what it exports there: `default` of a file of somebody's own. */
export function placeOf(source: string): { file: string; exported: string } {
  if (isContenderFile(source)) return { file: resolve(source), exported: "default" };
  const place = places[source];
  if (place === undefined) throw new Error(`there is no contender "${source}"`);
  return { file: fileURLToPath(new URL(place[0], import.meta.url)), exported: place[1] };
}

/** @throws Error when there is no contender of this name, or the file has none. */
export async function loadContender(source: string): Promise<Contender> {
  const { file, exported } = placeOf(source);
  const contender = ((await import(pathToFileURL(file).href)) as Record<string, Contender | undefined>)[exported];
  if (typeof contender?.serve === "function") return contender;
  throw new Error(`${file} has no contender as ${exported === "default" ? "its default export" : exported}`);
}
