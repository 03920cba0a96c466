import { createSocket } from "node:dgram";
import { once } from "node:events";

/** What a name has. */
interface Zone {
  a?: string[];
  aaaa?: string[];
  srv?: { priority: number; weight: number; port: number; target: string }[];
}

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly zones: Map<string, Zone>;
  /** Questions of type A or SRV that came. */
  readonly asked: string[];
  /** Answers with SERVFAIL. */
  broken: boolean;
}

const types = { a: 1, aaaa: 28, srv: 33 } as const;

/** A name server on the loopback interface that knows what it is told, enough of RFC 1035 to be asked by c-ares. */
export async function dnsServer(): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const server: Omit<DnsServer, "address" | typeof Symbol.asyncDispose> = {
    zones: new Map(),
    asked: [],
    broken: false,
  };
  socket.on("message", (query, from) => {
    const { name, type, end } = readQuestion(query);
    if (type !== types.aaaa) server.asked.push(name);
    const zone = server.zones.get(name);
    const answers = server.broken || zone === undefined ? [] : answersOf(zone, type);
    const code = server.broken ? 2 : zone === undefined ? 3 : 0;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answers.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return Object.assign(server, {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  });
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    const length = query[at] as number;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answersOf(zone: Zone, type: number): Buffer[] {
  if (type === types.a) return (zone.a ?? []).map((ip) => record(type, Buffer.from(ip.split(".").map(Number))));
  if (type === types.aaaa) return (zone.aaaa ?? []).map((ip) => record(type, ipv6(ip)));
  if (type !== types.srv) return [];
  return (zone.srv ?? []).map(({ priority, weight, port, target }) => {
    const numbers = Buffer.alloc(6);
    numbers.writeUInt16BE(priority, 0);
    numbers.writeUInt16BE(weight, 2);
    numbers.writeUInt16BE(port, 4);
    return record(type, Buffer.concat([numbers, encodedName(target)]));
  });
}

function record(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  // The name of the question, by reference.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(60, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodedName(name: string): Buffer {
  const labels = name.split(".").filter((label) => label !== "");
  return Buffer.concat([
    ...labels.map((one) => Buffer.concat([Buffer.from([one.length]), Buffer.from(one)])),
    Buffer.of(0),
  ]);
}

/** Only addresses written in full. */
function ipv6(ip: string): Buffer {
  return Buffer.from(
    ip
      .split(":")
      .map((part) => part.padStart(4, "0"))
      .join(""),
    "hex",
  );
}
