import type { Order } from "./order.ts";

/**
 * One way to call a procedure on another machine, as the benchmark sees it. Every contender is one small file of this
 * shape, so that a reader can check that it is used as its documentation advises.
 *
 * Server and client run in processes of their own. Nobody validates more than its library does by itself: Farcall runs
 * its zod schemas, as its users do.
 */
export interface Contender {
  /** What `--only` and the JSON know it by, for example `grpc-js`. */
  readonly name: string;
  /** The npm packages that it stands on; the report prints their versions. Empty for what is Node's own. */
  readonly packages: readonly string[];
  /** What carries it: `tcp`, `websocket`, `http/1.1`, `http/2`. */
  readonly wire: string;
  /** How messages become bytes: `json`, `protobuf`, `raw`, … */
  readonly codec: string;
  /** `serve` heeds `reusePort`. */
  readonly reusesPort?: true;
  /** Serves on a port of 127.0.0.1. */
  serve(options: ServeOptions): Promise<BenchServer>;
  /** Makes one connection. Resolves when calls can begin. */
  connect(port: number): Promise<BenchClient>;
}

export interface ServeOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** Several processes listen on the same port. */
  readonly reusePort?: boolean;
}

export interface BenchServer {
  readonly port: number;
  /** Ends everything; what is open may be cut. */
  close(): Promise<void>;
}

/** The calls of the scenarios. What a contender cannot do, it leaves out. */
export interface BenchClient {
  /** Small unary: the server answers the sum. */
  add(a: number, b: number): Promise<number>;
  /** 1 KiB both ways: the server decodes the order and answers with an equal one that it encodes again. */
  order?(order: Order): Promise<Order>;
  /** One server stream of `{ n }` from 1 to `count`, read with `for await`. Resolves to how many came, checked in order. */
  iterate?(count: number): Promise<number>;
  /** The same through the fastest way that the library documents: callbacks, events. */
  push?(count: number): Promise<number>;
  /** The same stream for a reader that takes its time. */
  stream?(count: number): AsyncIterable<{ n: number }>;
  /** Large unary: the server answers with the same bytes. */
  echo?(bytes: Uint8Array): Promise<Uint8Array>;
  /** A call that the server answers only when the connection closes, or never: for the memory of open calls. */
  hold?(): Promise<unknown>;
  /** Ends the connection; held calls may reject. */
  close(): Promise<void>;
}
