/** Every size and count that a peer could drive up, with its default. Checked before memory is allocated. */
export interface Limits {
  /** Largest message accepted, bytes encoded. Default 4 MiB. A larger one ends its call with `RESOURCE_EXHAUSTED`. */
  readonly maxMessageBytes: number;
  /** Largest metadata accepted per call and direction, bytes of keys and values and 32 for each pair. Default 16 KiB. */
  readonly maxMetadataBytes: number;
  /** Calls open at once on one connection. Default 10,000. Above it `RESOURCE_EXHAUSTED`, provably not processed. */
  readonly maxCallsPerConnection: number;
  /** Calls open at once on one server, all connections together. Default 100,000. A handler counts until it is through, also when its caller is gone. */
  readonly maxCalls: number;
  /** Connections open at once on one server. Default 10,000. One more is closed at once. */
  readonly maxConnections: number;
  /** Time a new connection has to complete its handshake, ms. Default 10,000. */
  readonly handshakeTimeoutMs: number;
}

export const defaultLimits: Limits = {
  maxMessageBytes: 4 * 1024 * 1024,
  maxMetadataBytes: 16 * 1024,
  maxCallsPerConnection: 10_000,
  maxCalls: 100_000,
  maxConnections: 10_000,
  handshakeTimeoutMs: 10_000,
};

/**
 * The defaults with `overrides` laid over them.
 * @throws RangeError that names the limit when one is not a positive number, or is not known.
 */
export function limitsWith(overrides: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(defaultLimits, name)) throw new RangeError(`there is no limit called "${name}"`);
    if (typeof value !== "number" || !(value > 0)) {
      throw new RangeError(`limit "${name}" must be a positive number, got ${String(value)}`);
    }
  }
  return { ...defaultLimits, ...overrides };
}
