import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Limits } from "@farcall/core";
import type { TransportPair } from "@farcall/core/compliance";
import { memory } from "@farcall/transport-memory";
import { tcp, tcpServer } from "@farcall/transport-tcp";

/** A way from a client to a server. */
export interface Link {
  readonly name: string;
  create(clientLimits?: Partial<Limits>): TransportPair;
}

const backoff = { initialMs: 5, maxMs: 20 };

const overTcp: Link = {
  name: "tcp",
  create: (limits = {}) => ({
    server: (address) => tcpServer({ port: address === undefined ? 0 : Number(address.split(":").at(-1)) }),
    client: (address) => tcp(address, { limits, backoff }),
  }),
};

const overUnix: Link = {
  name: "unix",
  create(limits = {}) {
    const path = join(tmpdir(), `farcall-${randomUUID()}.sock`);
    return {
      server: () => tcpServer({ path }),
      client: (address) => tcp(address, { limits, backoff }),
      end: () => rmSync(path, { force: true }),
    };
  },
};

const inMemory: Link = {
  name: "memory",
  create(limits = {}) {
    const link = memory({ client: { limits, backoff } });
    return { server: () => link.server, client: () => link.client };
  },
};

export const links: readonly Link[] = [overTcp, overUnix, inMemory];
