/** The peer broke the protocol: the connection cannot go on. */
export class ProtocolError extends Error {
  override readonly name: string = "ProtocolError";
}
