/** As much of a client of the package `etcd3` as is needed here: a client is passed, so this package imports none. */
export interface EtcdClient {
  getAll(): { prefix(prefix: string): { exec(): Promise<EtcdRange> } };
  watch(): { prefix(prefix: string): { create(): Promise<EtcdWatcher> } };
  lease(ttlS: number): EtcdLease;
}

export interface EtcdRange {
  readonly header: { readonly revision: string };
  readonly kvs: readonly EtcdKeyValue[];
}

export interface EtcdKeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** The revision of the change that made it what it is. */
  readonly mod_revision: string;
}

export interface EtcdWatcher {
  on(event: "put" | "delete", listener: (kv: EtcdKeyValue) => void): unknown;
  on(event: "error" | "disconnected", listener: (error: Error) => void): unknown;
  cancel(): Promise<unknown>;
}

export interface EtcdLease {
  put(key: string): { value(value: string): { exec(): Promise<unknown> } };
  on(event: "lost", listener: (error: Error) => void): unknown;
  revoke(): Promise<unknown>;
  release(): void;
}

/** @throws TypeError when it is no client, or the prefix is none. */
export function checkEtcd(client: EtcdClient, prefix: string): void {
  if (
    typeof client?.getAll !== "function" ||
    typeof client.watch !== "function" ||
    typeof client.lease !== "function"
  ) {
    throw new TypeError("`client` must be a client of etcd3, for example new Etcd3({ hosts })");
  }
  if (typeof prefix !== "string" || prefix === "") {
    throw new TypeError('`prefix` must be the beginning of keys, for example "services/orders/"');
  }
}
