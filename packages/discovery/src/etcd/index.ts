export type { EtcdClient, EtcdKeyValue, EtcdLease, EtcdRange, EtcdWatcher } from "./etcd-client.ts";
export { register, type RegisterOptions, type Registration, type RegistrationEvent } from "./etcd-register.ts";
export { etcd, type EtcdOptions } from "./etcd-resolver.ts";
