import type { BoundListener, Connection } from "@farcall/wire";
import { afterEach } from "vitest";
import { parseAddress } from "../src/address.ts";
import { tcpConnector, type TcpConnectorOptions } from "../src/tcp-connector.ts";
import { tcpListener, type TcpListenerOptions } from "../src/tcp-listener.ts";
import { noMoreSockets, openSockets } from "./open-sockets.ts";

/** An open connection that keeps what happens to it. */
export interface End {
  readonly connection: Connection;
  readonly bytes: number[];
  readonly closed: Promise<Error | undefined>;
}

const listening: BoundListener[] = [];
const ends: End[] = [];

/** A listener whose connections are opened as they come; everything ends with the test. */
export async function listen(options: TcpListenerOptions): Promise<{ address: string; accepted: End[] }> {
  const accepted: End[] = [];
  const bound = await tcpListener(options).listen((connection) => accepted.push(open(connection)));
  listening.push(bound);
  return { address: bound.address, accepted };
}

export async function connect(address: string, options?: TcpConnectorOptions, signal = never): Promise<End> {
  return open(await tcpConnector(parseAddress(address), options).connect(signal));
}

export function open(connection: Connection): End {
  const bytes: number[] = [];
  const closed = new Promise<Error | undefined>((resolve) => {
    connection.open({ data: (chunk) => bytes.push(...chunk), drained() {}, closed: resolve });
  });
  const end = { connection, bytes, closed };
  ends.push(end);
  return end;
}

// The runner may have pipes of its own.
const before = openSockets();
const never = new AbortController().signal;

afterEach(async () => {
  for (const bound of listening.splice(0)) await bound.close();
  for (const { connection } of ends) connection.destroy();
  await Promise.all(ends.splice(0).map(({ closed }) => closed));
  await noMoreSockets(before);
});
