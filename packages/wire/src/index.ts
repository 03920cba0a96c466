export * from "./connection.ts";
export * from "./wire-options.ts";
export { wireClient } from "./wire-client.ts";
export { wireServer } from "./wire-server.ts";
