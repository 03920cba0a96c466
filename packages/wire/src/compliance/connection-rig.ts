import type { BoundListener, Connection, Connector, Listener } from "../connection.ts";
import { check, turn, until } from "./until.ts";
import { WatchedConnection } from "./watched-connection.ts";

/** What the suite tests: two ends that find each other. */
export interface ConnectionSubject {
  readonly listener: Listener;
  /** A connector to where the listener said it listens. */
  connector(address: string): Connector;
}

export interface ConnectionComplianceOptions {
  /** Names the transport in the tests. */
  readonly name: string;
  /** Called for each test. */
  create(): ConnectionSubject | Promise<ConnectionSubject>;
  /** Counts what is open in this process, for example sockets. After each test it must be back where it was. */
  openResources?(): number;
  /** Makes the random sizes and bytes repeatable. Default: a random one, printed in the suite's name. */
  readonly seed?: number;
}

/** A listener that listens and a connector to it, for one test. */
export class ConnectionRig {
  readonly connector: Connector;
  readonly bound: BoundListener;
  readonly seed: number;
  /** Accepted and not taken by `accepted` yet. */
  readonly waiting: Connection[];
  readonly #watched: WatchedConnection[] = [];

  constructor(connector: Connector, bound: BoundListener, waiting: Connection[], seed: number) {
    this.connector = connector;
    this.bound = bound;
    this.waiting = waiting;
    this.seed = seed;
  }

  async connect(signal = new AbortController().signal): Promise<WatchedConnection> {
    return this.#watch(await this.connector.connect(signal));
  }

  /** The next connection that the listener accepted; not open yet. */
  async accepted(): Promise<WatchedConnection> {
    await until(() => this.waiting.length > 0, "the listener accepts a connection");
    return this.#watch(this.waiting.shift() as Connection);
  }

  /** Both ends of one connection, open. */
  async pair(): Promise<{ client: WatchedConnection; server: WatchedConnection }> {
    const client = await this.connect();
    return { client: client.open(), server: (await this.accepted()).open() };
  }

  /** Ends everything and throws what any connection did wrong. */
  async end(): Promise<void> {
    await this.bound.close();
    for (const connection of this.waiting.splice(0)) this.#watch(connection).open();
    for (const one of this.#watched) if (!one.isClosed) one.destroy();
    await until(() => this.#watched.every((one) => one.isClosed), "every connection reports closed after destroy");
    await turn();
    const violations = this.#watched.flatMap((one) => one.violations);
    check(violations.length === 0, `the contract was broken: ${[...new Set(violations)].slice(0, 5).join("; ")}`);
  }

  #watch(connection: Connection): WatchedConnection {
    const watched = new WatchedConnection(connection, this.seed);
    this.#watched.push(watched);
    return watched;
  }
}

/** Declares a test that gets a fresh listener and connector. */
export type RigTest = (name: string, body: (rig: ConnectionRig) => Promise<void>) => void;

/** Runs a test's body with a rig, then ends everything and looks for what was left. */
export async function withRig(
  options: ConnectionComplianceOptions & { readonly seed: number },
  body: (rig: ConnectionRig) => Promise<void>,
): Promise<void> {
  const before = options.openResources?.() ?? 0;
  const subject = await options.create();
  const waiting: Connection[] = [];
  const bound = await subject.listener.listen((connection) => waiting.push(connection));
  const rig = new ConnectionRig(subject.connector(bound.address), bound, waiting, options.seed);
  try {
    await body(rig);
  } finally {
    await rig.end();
  }
  await until(() => (options.openResources?.() ?? 0) <= before, "nothing is left open");
}
