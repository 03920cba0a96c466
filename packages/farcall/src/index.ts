export { cbor } from "@farcall/codec/cbor";
export { json } from "@farcall/codec/json";
// The two functions below take the place of core's.
export * from "@farcall/core";
export {
  type AttemptEvent,
  fromServiceConfig,
  retry,
  RetryBudget,
  type RetryOptions,
  retryRules,
  type RetryRules,
} from "@farcall/retry-policy";
export { tcp, type TcpOptions, tcpServer, type TcpServerOptions } from "@farcall/transport-tcp";
export { ambientContext, currentContext, detach } from "./ambient.ts";
export { type ClientOptions, createClient, createServer, type ServerOptions } from "./default-stack.ts";
