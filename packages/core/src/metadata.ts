/** One value: printable ASCII, or bytes under a key that ends in `-bin`. */
export type MetadataValue = string | Uint8Array;

/** What a `Metadata` can be made from. */
export type MetadataInit =
  | Metadata
  | Readonly<Record<string, MetadataValue | readonly MetadataValue[] | undefined>>
  | Iterable<readonly [string, MetadataValue]>;

const keyPattern = /^[0-9a-z_.-]+$/;
const valuePattern = /^[\x20-\x7e]*$/;

/**
 * Key–value pairs that travel beside the messages of a call: request metadata, response headers and trailers.
 * Keys are case-insensitive and may have several values, kept in order. The rules are those of gRPC
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), so that the same metadata fits every transport:
 * keys of `0-9 a-z _ . -`, values of printable ASCII, and bytes only under keys that end in `-bin`.
 */
export class Metadata implements Iterable<readonly [string, MetadataValue]> {
  #entries: [string, MetadataValue][] = [];

  /** @throws TypeError on a key or value that metadata cannot carry. */
  constructor(init?: MetadataInit) {
    if (init === undefined) return;
    if (Symbol.iterator in init) {
      for (const [key, value] of init as Iterable<readonly [string, MetadataValue]>) this.append(key, value);
      return;
    }
    for (const [key, value] of Object.entries(init)) {
      if (value === undefined) continue;
      if (Array.isArray(value)) for (const one of value) this.append(key, one as MetadataValue);
      else this.append(key, value as MetadataValue);
    }
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The first value of `key`, if there is one. */
  get<K extends string>(key: K): (K extends `${string}-bin` ? Uint8Array : string) | undefined {
    const wanted = key.toLowerCase();
    for (const entry of this.#entries) {
      if (entry[0] === wanted) return entry[1] as (K extends `${string}-bin` ? Uint8Array : string) | undefined;
    }
    return undefined;
  }

  /** All values of `key`, in order. */
  getAll(key: string): MetadataValue[] {
    const wanted = key.toLowerCase();
    return this.#entries.filter((entry) => entry[0] === wanted).map((entry) => entry[1]);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Replaces every value of `key`. */
  set(key: string, value: MetadataValue): this {
    const checked = checkEntry(key, value);
    this.#entries = this.#entries.filter((entry) => entry[0] !== checked[0]);
    this.#entries.push(checked);
    return this;
  }

  /** Adds a value and keeps those that are there. */
  append(key: string, value: MetadataValue): this {
    this.#entries.push(checkEntry(key, value));
    return this;
  }

  delete(key: string): boolean {
    const wanted = key.toLowerCase();
    const before = this.#entries.length;
    this.#entries = this.#entries.filter((entry) => entry[0] !== wanted);
    return this.#entries.length !== before;
  }

  [Symbol.iterator](): IterableIterator<readonly [string, MetadataValue]> {
    return this.#entries[Symbol.iterator]();
  }

  toJSON(): Record<string, (string | number[])[]> {
    // A peer chooses the keys, and `__proto__` may be one.
    const json = Object.create(null) as Record<string, (string | number[])[]>;
    for (const [key, value] of this.#entries) (json[key] ??= []).push(typeof value === "string" ? value : [...value]);
    return json;
  }
}

function checkEntry(key: string, value: MetadataValue): [string, MetadataValue] {
  const lower = String(key).toLowerCase();
  if (!keyPattern.test(lower)) {
    throw new TypeError(`metadata key ${JSON.stringify(key)} has characters other than 0-9 a-z _ . -`);
  }
  if (lower.endsWith("-bin")) {
    if (value instanceof Uint8Array) return [lower, value];
    throw new TypeError(`metadata "${lower}" ends in -bin, so its value must be a Uint8Array`);
  }
  if (typeof value !== "string") {
    throw new TypeError(`metadata "${lower}" must be a string; for bytes, name it "${lower}-bin"`);
  }
  if (!valuePattern.test(value)) {
    throw new TypeError(`metadata "${lower}" has characters outside printable ASCII; send it as bytes, "${lower}-bin"`);
  }
  return [lower, value];
}
