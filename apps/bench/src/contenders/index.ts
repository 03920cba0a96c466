import type { Contender } from "../contender.ts";

/** Where each contender is, in the order of the reports. A process imports only those that it measures. */
export const contenders: Readonly<Record<string, readonly [file: string, name: string]>> = {
  net: ["net.ts", "net"],
  ws: ["ws.ts", "ws"],
  farcall: ["farcall-default.ts", "farcall"],
  "farcall-cbor": ["farcall-cbor.ts", "farcallCbor"],
  "farcall-json": ["farcall-json.ts", "farcallJson"],
  "farcall-msgpack": ["farcall-msgpack.ts", "farcallMsgpack"],
  "ws-json": ["ws-json.ts", "wsJson"],
  http2: ["http2.ts", "http2"],
  "grpc-js": ["grpc-js.ts", "grpcJs"],
  "nice-grpc": ["nice-grpc.ts", "niceGrpc"],
  "connect-grpc": ["connect-node.ts", "connectGrpc"],
  connect: ["connect-node.ts", "connectConnect"],
  trpc: ["trpc.ts", "trpc"],
  orpc: ["orpc.ts", "orpc"],
  capnweb: ["capnweb.ts", "capnweb"],
  "socket-io": ["socket-io.ts", "socketIo"],
  birpc: ["birpc.ts", "birpc"],
};

/** @throws Error when there is no contender of this name. */
export async function loadContender(name: string): Promise<Contender> {
  const place = contenders[name];
  if (place === undefined) throw new Error(`there is no contender "${name}"`);
  const [file, exported] = place;
  return ((await import(`./${file}`)) as Record<string, Contender>)[exported] as Contender;
}
