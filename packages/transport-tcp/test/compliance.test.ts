import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectionCompliance } from "@farcall/wire/compliance";
import { afterAll, describe, test } from "vitest";
import { parseAddress } from "../src/address.ts";
import { tcpConnector } from "../src/tcp-connector.ts";
import { tcpListener } from "../src/tcp-listener.ts";
import { createAuthority } from "./certificates.ts";
import { openSockets } from "./open-sockets.ts";

const folder = mkdtempSync(join(tmpdir(), "farcall-"));
afterAll(() => rmSync(folder, { recursive: true }));

const authority = createAuthority();
const server = authority.issue({ commonName: "server", ipv4: ["127.0.0.1"], dnsNames: ["localhost"] });
const client = authority.issue({ commonName: "client" });
const mutual = { ...server, ca: authority.cert, requestCert: true };

let files = 0;
const nextPath = (): string => join(folder, `${files++}.sock`);

const ways = {
  TCP: () => ({ listener: tcpListener({ port: 0 }), options: {} }),
  "a Unix socket": () => ({ listener: tcpListener({ path: nextPath() }), options: {} }),
  TLS: () => ({ listener: tcpListener({ port: 0, tls: server }), options: { tls: { ca: authority.cert } } }),
  "mutual TLS": () => ({
    listener: tcpListener({ port: 0, tls: mutual }),
    options: { tls: { ca: authority.cert, ...client } },
  }),
  "TLS on a Unix socket": () => ({
    listener: tcpListener({ path: nextPath(), tls: server }),
    options: { tls: { ca: authority.cert } },
  }),
};

for (const [name, way] of Object.entries(ways)) {
  connectionCompliance(
    { describe, test },
    {
      name,
      openResources: openSockets,
      create() {
        const { listener, options } = way();
        return { listener, connector: (address) => tcpConnector(parseAddress(address), options) };
      },
    },
  );
}
