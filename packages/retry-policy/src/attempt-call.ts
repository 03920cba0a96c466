import {
  type ContextKey,
  ContextValues,
  Metadata,
  type MetadataValue,
  type Method,
  type MethodCodec,
  type OutgoingCall,
} from "@farcall/core";

/** The metadata of a call before its first attempt could add to it. */
export type MetadataEntries = readonly (readonly [string, MetadataValue])[];

/** The call as one attempt sends it. What later interceptors change of it, the other attempts do not see. */
export class AttemptCall implements OutgoingCall {
  readonly method: Method;
  readonly codec: MethodCodec;
  metadata: Metadata | undefined;
  deadline: number;
  values: ContextValues | undefined;
  attempt: number;
  waitForReady: boolean;
  avoid: readonly string[] | undefined;

  constructor(
    call: OutgoingCall,
    metadata: MetadataEntries | undefined,
    attempt: number,
    deadline: number,
    avoid: readonly string[] | undefined,
  ) {
    this.method = call.method;
    this.codec = call.codec;
    this.metadata = metadata === undefined ? undefined : new Metadata(metadata);
    this.deadline = deadline;
    this.values = call.values === undefined ? undefined : new ValuesOver(call.values);
    this.attempt = attempt;
    this.waitForReady = call.waitForReady;
    this.avoid = avoid;
  }
}

/** Values of one attempt's own, over those of the call. */
class ValuesOver extends ContextValues {
  readonly #below: ContextValues;
  #own = new Map<symbol, unknown>();

  constructor(below: ContextValues) {
    super();
    this.#below = below;
  }

  override get<T>(key: ContextKey<T>): T {
    return this.#own.has(key.id) ? (this.#own.get(key.id) as T) : this.#below.get(key);
  }

  override set<T>(key: ContextKey<T>, value: T): this {
    this.#own.set(key.id, value);
    return this;
  }

  override delete(key: ContextKey<unknown>): boolean {
    const had = this.get(key) !== key.defaultValue;
    this.#own.set(key.id, key.defaultValue);
    return had;
  }
}
