import type * as Tls from "node:tls";

/**
 * `node:tls`, loaded when it is first needed: that takes about 25 ms, a quarter of what a small client takes to start,
 * and many connections are plain.
 */
export function nodeTls(): typeof Tls {
  return process.getBuiltinModule("node:tls");
}
