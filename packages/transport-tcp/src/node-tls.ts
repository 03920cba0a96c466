/**
 * `node:tls`, loaded when it is first needed: that takes about 25 ms, a quarter of what a small client takes to start,
 * and many connections are plain.
 */
export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}
