export * from "./byte-writer.ts";
export * from "./call-context.ts";
export { type Client, type ClientMethod, type ClientOptions, createClient } from "./client.ts";
export type { CallOptions } from "./client-call.ts";
export * from "./codec.ts";
export * from "./context-values.ts";
export { type Expiring, DeadlineWheel } from "./deadline-wheel.ts";
export { decodeDetail, encodeDetails, type EncodedDetail } from "./error-detail.ts";
export * from "./explain.ts";
export * from "./failure.ts";
export { type Handler, type Handlers, type PushHandler } from "./handlers.ts";
export { type CallHooks, clientInterceptor, serverInterceptor } from "./hooks.ts";
export {
  type ClientInterceptor,
  type ClientStage,
  compose,
  type Interceptor,
  type InterceptorList,
  type ServedCall,
  type ServerInterceptor,
  type ServerStage,
} from "./interceptor.ts";
export { InvalidMessage } from "./invalid-message.ts";
export { GracePeriod } from "./grace-period.ts";
export * from "./limits.ts";
export { type MessageCallback, MessageReader, type MessageSource } from "./message-reader.ts";
export type { Messages, MessageWriter } from "./message-writer.ts";
export * from "./metadata.ts";
export { type MethodCodec, methodCodec } from "./method-codec.ts";
export type { Requests } from "./requests.ts";
export * from "./rpc-error.ts";
export * from "./schema.ts";
export { createServer, type ErrorSource, type Server, type ServerOptions } from "./server.ts";
export * from "./service.ts";
export * from "./status.ts";
export type { StreamCallOptions } from "./stream-response-call.ts";
export * from "./transport.ts";
