import { readFileSync } from "node:fs";
import { tcp, tcpServer } from "@farcall/transport-tcp";

/** For `server.listen`. Leave out `ca` and `requestCert` for plain TLS. */
export const listener = () =>
  tcpServer({
    host: "0.0.0.0",
    port: 7001,
    tls: {
      cert: readFileSync("server.crt"),
      key: readFileSync("server.key"),
      ca: readFileSync("clients-ca.crt"),
      requestCert: true,
    },
  });

/** For `createClient`. `tls: true` shows no certificate and trusts the authorities that Node trusts. */
export const transport = () =>
  tcp("api.example.com:7001", {
    tls: { ca: readFileSync("servers-ca.crt"), cert: readFileSync("client.crt"), key: readFileSync("client.key") },
  });
