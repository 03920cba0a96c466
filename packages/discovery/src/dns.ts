import { lookup, Resolver as DnsClient } from "node:dns/promises";
import { isIP } from "node:net";
import type { Endpoint } from "./endpoint.ts";
import { checkPositive } from "./options.ts";
import type { Resolver } from "./resolver.ts";

/** A host with a port, or the name of SRV records: `_farcall._tcp.orders.internal`. */
export type DnsTarget = { readonly host: string; readonly port: number } | { readonly srv: string };

export interface DnsOptions {
  /** Time between two questions, ms. Default 30,000. */
  readonly intervalMs?: number | undefined;
  /** Shortest time between them, also when an endpoint fails, ms. Default 5,000. */
  readonly minIntervalMs?: number | undefined;
  /** Servers to ask, `"10.0.0.2"` or `"10.0.0.2:5353"`, instead of the system's resolver. */
  readonly servers?: readonly string[] | undefined;
}

/**
 * The addresses of a name, asked for again and again.
 *
 * @param target `"host:port"`, `{ host, port }` for A and AAAA records, or `{ srv }`.
 * @throws TypeError or RangeError that says what is wrong with target or options.
 */
export function dns(target: string | DnsTarget, options: DnsOptions = {}): Resolver {
  const { intervalMs = 30_000, minIntervalMs = 5_000, servers } = options;
  checkPositive({ intervalMs, minIntervalMs });
  const place = readTarget(target);
  const client = new DnsClient({ timeout: 5_000, tries: 2 });
  if (servers !== undefined) setServers(client, servers);
  const addressesOf = servers === undefined ? systemLookup : (host: string) => ask(client, host);

  const resolve = async (): Promise<Endpoint[]> => {
    if ("srv" in place) return resolveSrv(client, place.srv, addressesOf);
    const addresses = await addressesOf(place.host);
    return addresses.map((address) => ({ address: joined(address, place.port) }));
  };

  return Object.assign(
    async function* ({ pause, signal }: Parameters<Resolver>[0]) {
      const cancel = (): void => client.cancel();
      signal.addEventListener("abort", cancel);
      try {
        for (;;) {
          yield await resolve();
          await pause(intervalMs, minIntervalMs);
        }
      } finally {
        signal.removeEventListener("abort", cancel);
      }
    },
    { target: "srv" in place ? `dns:${place.srv}` : `dns:${joined(place.host, place.port)}` },
  );
}

function setServers(client: DnsClient, servers: readonly string[]): void {
  try {
    client.setServers(servers);
  } catch (error) {
    throw new TypeError(`servers: ${(error as Error).message}`, { cause: error });
  }
}

type Lookup = (host: string) => Promise<string[]>;

/** Knows what the system knows: the hosts file, search domains. */
const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true, order: "verbatim" })).map((one) => one.address);

/** Both families; one that fails is no matter while the other has an answer. */
async function ask(client: DnsClient, host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const answers = await Promise.allSettled([client.resolve4(host), client.resolve6(host)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const failure = answers.find((answer) => answer.status === "rejected");
  if (addresses.length === 0 && failure !== undefined) throw failure.reason;
  return addresses;
}

async function resolveSrv(client: DnsClient, name: string, addressesOf: Lookup): Promise<Endpoint[]> {
  // A single dot says that there is no such service (RFC 2782).
  const records = (await client.resolveSrv(name)).filter((record) => record.name !== "" && record.name !== ".");
  if (records.length === 0) throw new Error(`${name} has no SRV record that names a host`);
  const answers = await Promise.allSettled(
    records.map(async ({ name: host, port, priority, weight }) =>
      // Weight 0 beside others is "hardly ever", not "never".
      (await addressesOf(host)).map((address) => ({ address: joined(address, port), priority, weight: weight || 0.1 })),
    ),
  );
  const endpoints = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const failure = answers.find((answer) => answer.status === "rejected");
  if (endpoints.length === 0 && failure !== undefined) throw failure.reason;
  return endpoints;
}

function readTarget(target: string | DnsTarget): DnsTarget {
  if (typeof target === "object" && target !== null && "srv" in target) {
    if (typeof target.srv === "string" && /^[\w.-]+$/.test(target.srv)) return target;
    throw new TypeError(`${JSON.stringify(target.srv)} is not the name of SRV records`);
  }
  const { host, port } = typeof target === "string" ? readText(target) : (target ?? {});
  const isHost = typeof host === "string" && (isIP(host) !== 0 || /^[\p{L}\p{N}_.-]+$/u.test(host));
  if (isHost && Number.isInteger(port) && port > 0 && port <= 65_535) return { host, port };
  throw new TypeError(
    `${JSON.stringify(target)} is not a name to resolve: write "host:port", { host, port } or { srv }`,
  );
}

function readText(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*)):(\d+)$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? "", port: Number(port) };
}

function joined(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
