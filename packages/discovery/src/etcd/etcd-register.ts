import { Backoff } from "../backoff.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type Endpoint, readEndpoints } from "../endpoint.ts";
import { checkEtcd, type EtcdClient, type EtcdLease } from "./etcd-client.ts";

export interface RegisterOptions extends Endpoint {
  /** A client of the package `etcd3`. Not closed. */
  readonly client: EtcdClient;
  /** What the keys of the service begin with: `services/orders/`. */
  readonly prefix: string;
  /** Time after which the entry vanishes when this process does, s. Default 10; etcd has a least value of its own, about 2. */
  readonly ttlS?: number | undefined;
  readonly onEvent?: ((event: RegistrationEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
  /** Numbers from 0 to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What a registration tells. */
export type RegistrationEvent =
  | { readonly type: "registered" }
  /** It could not be made, or was lost; the next attempt is in so many ms. */
  | { readonly type: "lost"; readonly error: Error; readonly retryInMs: number };

/** An entry in etcd that is there while this process is. */
export interface Registration extends AsyncDisposable {
  /** Resolves when the entry is there for the first time; rejects when `close` comes before. */
  readonly ready: Promise<void>;
  /** Is the entry there, as far as is known? */
  readonly isRegistered: boolean;
  /** Takes the entry out. Always settles; if etcd can't be reached within 5 s, the entry goes with its lease. */
  close(): Promise<void>;
}

/** Time that etcd has to take out an entry, ms. */
const revokeMs = 5_000;

/**
 * Registers a server in etcd under a lease, keeps the lease alive, and registers anew when it is lost.
 * @throws TypeError or RangeError that names the option when one is unusable.
 */
export function register(options: RegisterOptions): Registration {
  const { client, prefix, ttlS = 10, onEvent, clock = systemClock, random = Math.random, ...endpoint } = options;
  checkEtcd(client, prefix);
  readEndpoints([endpoint]);
  if (!(Number.isInteger(ttlS) && ttlS >= 1)) throw new RangeError(`ttlS must be 1, 2, 3, … seconds, got ${ttlS}`);
  return new EtcdRegistration(
    { client, key: prefix + endpoint.address, value: JSON.stringify(endpoint), ttlS },
    onEvent,
    {
      clock,
      random,
    },
  );
}

interface Entry {
  readonly client: EtcdClient;
  readonly key: string;
  readonly value: string;
  readonly ttlS: number;
}

class EtcdRegistration implements Registration {
  readonly ready: Promise<void>;
  isRegistered = false;
  readonly #entry: Entry;
  readonly #onEvent: ((event: RegistrationEvent) => void) | undefined;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  #lease: EtcdLease | undefined;
  #timer: unknown;
  #closing: Promise<void> | undefined;
  #settle: { resolve(): void; reject(error: Error): void };

  constructor(
    entry: Entry,
    onEvent: ((event: RegistrationEvent) => void) | undefined,
    { clock, random }: { clock: Clock; random: () => number },
  ) {
    this.#entry = entry;
    this.#onEvent = onEvent;
    this.#clock = clock;
    this.#backoff = new Backoff(random);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#settle = { resolve, reject };
    // Nobody has to wait for it.
    promise.catch(() => {});
    this.#attempt();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #attempt(): void {
    const { client, key, value, ttlS } = this.#entry;
    const lease = client.lease(ttlS);
    this.#lease = lease;
    lease.on("lost", (error) => this.#lost(lease, error));
    lease
      .put(key)
      .value(value)
      .exec()
      .then(
        () => {
          if (this.#lease !== lease) return;
          this.isRegistered = true;
          this.#backoff.reset();
          this.#settle.resolve();
          this.#onEvent?.({ type: "registered" });
        },
        (error: Error) => this.#lost(lease, error),
      );
  }

  #lost(lease: EtcdLease, error: Error): void {
    // Once for each, and not for one that was given up.
    if (this.#lease !== lease) return;
    this.#lease = undefined;
    this.isRegistered = false;
    lease.release();
    const retryInMs = this.#backoff.next();
    this.#timer = this.#clock.setTimeout(() => this.#attempt(), retryInMs);
    this.#onEvent?.({ type: "lost", error, retryInMs });
  }

  async #close(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    this.isRegistered = false;
    this.#clock.clearTimeout(this.#timer);
    this.#settle.reject(new Error("the registration was closed before it was made"));
    if (lease === undefined) return;
    let timer: unknown;
    const tooLate = new Promise<void>((resolve) => (timer = this.#clock.setTimeout(resolve, revokeMs)));
    // What can't be revoked expires: `release` stops keeping it alive.
    await Promise.race([lease.revoke().catch(() => lease.release()), tooLate]);
    this.#clock.clearTimeout(timer);
  }
}
