import { type Endpoint, readEndpoints } from "../endpoint.ts";
import type { ResolveContext, Resolver } from "../resolver.ts";
import { checkEtcd, type EtcdClient, type EtcdKeyValue, type EtcdRange, type EtcdWatcher } from "./etcd-client.ts";

export interface EtcdOptions {
  /** A client of the package `etcd3`. Not closed. */
  readonly client: EtcdClient;
  /** What the keys of the service begin with: `services/orders/`. */
  readonly prefix: string;
  /** Hears of entries that can't be read; they are left out. */
  readonly onInvalid?: ((key: string, error: Error) => void) | undefined;
}

/**
 * What has registered itself under a prefix (see `register`). Changes are seen at once, through a watch.
 * @throws TypeError that names the option when one is unusable.
 */
export function etcd(options: EtcdOptions): Resolver {
  const { client, prefix, onInvalid = () => {} } = options;
  checkEtcd(client, prefix);
  const fetch = (): Promise<EtcdRange> => client.getAll().prefix(prefix).exec();

  return Object.assign(
    async function* ({ signal }: ResolveContext) {
      // Before the watch, which waits without a word for an etcd that is away.
      const first = new Entries(await fetch(), onInvalid);
      yield first.endpoints;
      const watcher = await client.watch().prefix(prefix).create();
      const changes = new Changes(watcher, signal);
      try {
        // Behind the watch, so that nothing falls between the two.
        const entries = new Entries(await fetch(), onInvalid);
        if (!entries.equals(first)) yield entries.endpoints;
        for (;;) if (entries.apply(await changes.next())) yield entries.endpoints;
      } finally {
        changes.end();
        // The stream may be broken; it is of no interest any more.
        await watcher.cancel().catch(() => {});
      }
    },
    { target: `etcd:${prefix}` },
  );
}

type Change = { readonly kind: "put" | "delete"; readonly kv: EtcdKeyValue };

/** What a watch brings, in order. */
class Changes {
  readonly #signal: AbortSignal;
  #waiting: Change[] = [];
  #error: Error | undefined;
  #wake: () => void = () => {};

  constructor(watcher: EtcdWatcher, signal: AbortSignal) {
    this.#signal = signal;
    for (const kind of ["put", "delete"] as const) {
      watcher.on(kind, (kv) => {
        this.#waiting.push({ kind, kv });
        this.#wake();
      });
    }
    watcher.on("error", (error) => {
      this.#error = error;
      this.#wake();
    });
    signal.addEventListener("abort", this.#aborted);
  }

  /** At least one. @throws when the watch can't go on, or nobody wants to know. */
  async next(): Promise<readonly Change[]> {
    if (this.#waiting.length === 0 && this.#error === undefined && !this.#signal.aborted) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#signal.aborted) throw this.#signal.reason;
    if (this.#error !== undefined) throw this.#error;
    return this.#waiting.splice(0);
  }

  end(): void {
    this.#signal.removeEventListener("abort", this.#aborted);
  }

  readonly #aborted = (): void => this.#wake();
}

/** The entries of a range, kept up to date. */
class Entries {
  readonly #byKey = new Map<string, Endpoint>();
  readonly #revision: bigint;
  readonly #onInvalid: (key: string, error: Error) => void;

  constructor({ header, kvs }: EtcdRange, onInvalid: (key: string, error: Error) => void) {
    this.#revision = BigInt(header.revision);
    this.#onInvalid = onInvalid;
    for (const kv of kvs) this.#put(kv);
  }

  get endpoints(): Endpoint[] {
    return [...this.#byKey.values()];
  }

  equals(other: Entries): boolean {
    return JSON.stringify(this.endpoints) === JSON.stringify(other.endpoints);
  }

  /** Returns whether it is another list now. */
  apply(changes: readonly Change[]): boolean {
    let changed = false;
    for (const { kind, kv } of changes) {
      // The range knew of it.
      if (BigInt(kv.mod_revision) <= this.#revision) continue;
      if (kind === "put") this.#put(kv);
      else this.#byKey.delete(text(kv.key));
      changed = true;
    }
    return changed;
  }

  #put({ key, value }: EtcdKeyValue): void {
    const name = text(key);
    try {
      const [endpoint] = readEndpoints([JSON.parse(text(value))]);
      this.#byKey.set(name, endpoint as Endpoint);
    } catch (error) {
      this.#byKey.delete(name);
      this.#onInvalid(name, error as Error);
    }
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
