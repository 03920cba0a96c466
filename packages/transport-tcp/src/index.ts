export type { Place } from "./address.ts";
export type { HostAddress, Lookup } from "./happy-eyeballs.ts";
export { tcp, type TcpOptions } from "./tcp.ts";
export { tcpConnector, type TcpConnectorOptions } from "./tcp-connector.ts";
export { tcpListener, type TcpListenerOptions } from "./tcp-listener.ts";
export { tcpServer, type TcpServerOptions } from "./tcp-server.ts";
export type { TlsClientOptions } from "./tls-client.ts";
export type { TlsServerOptions } from "./tls-accept.ts";
