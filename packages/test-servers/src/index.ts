export { debianProgram, type Program } from "./debian-package.ts";
export { type EtcdServer, type EtcdSource, etcdSource } from "./etcd.ts";
