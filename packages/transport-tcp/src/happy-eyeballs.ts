import { connect, isIP, type Socket } from "node:net";
import { abortable } from "./abortable.ts";
import { formatHostPort } from "./address.ts";

/** An address of a host. */
export interface HostAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** The addresses of a host, most preferred first. */
export type Lookup = (host: string) => Promise<readonly HostAddress[]>;

export interface RaceOptions {
  readonly lookup: Lookup;
  readonly attemptDelayMs: number;
}

/**
 * Connects to a host as RFC 8305 says: to all its addresses in turn, alternating between families, each with a head
 * start before the next, or until it fails. The first socket that connects wins; the others are destroyed.
 *
 * Rejects with an error that names every address and its failure, or with the signal's reason. Nothing is left open then.
 */
export async function connectHost(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
  { lookup, attemptDelayMs }: RaceOptions,
): Promise<Socket> {
  signal.throwIfAborted();
  const family = isIP(host);
  const addresses = family === 0 ? await abortable(lookup(host), signal) : [{ address: host, family }];
  if (addresses.length === 0) throw new Error(`could not connect to ${formatHostPort(host, port)}: it has no address`);
  return race(interleave(addresses), { host, port }, attemptDelayMs, signal);
}

/** The families in turn, beginning with the first address's; the order within each stays. */
export function interleave(addresses: readonly HostAddress[]): HostAddress[] {
  const first = addresses.filter(({ family }) => family === addresses[0]?.family);
  const second = addresses.filter(({ family }) => family !== addresses[0]?.family);
  return Array.from({ length: Math.max(first.length, second.length) }, (_, i) => [first[i], second[i]])
    .flat()
    .filter((address) => address !== undefined);
}

function race(
  addresses: readonly HostAddress[],
  { host, port }: { readonly host: string; readonly port: number },
  attemptDelayMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const running = new Set<Socket>();
    const failures: NodeJS.ErrnoException[] = [];
    let next = 0;
    let timer: NodeJS.Timeout | undefined;

    const settle = (winner?: Socket): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      running.delete(winner as Socket);
      for (const loser of running) loser.destroy();
    };
    const aborted = (): void => {
      settle();
      reject(signal.reason);
    };
    const attempt = (): void => {
      clearTimeout(timer);
      const { address } = addresses[next++] as HostAddress;
      const socket = connect({ host: address, port, noDelay: true });
      running.add(socket);
      const failed = (error: NodeJS.ErrnoException): void => {
        // A loser may still fail between its `destroy` and its end.
        if (!running.delete(socket) || signal.aborted) return;
        failures.push(
          Object.assign(error, { message: `${formatHostPort(address, port)} ${error.code ?? error.message}` }),
        );
        if (next < addresses.length) return attempt();
        if (running.size > 0) return;
        settle();
        reject(allFailed(formatHostPort(host, port), failures));
      };
      socket.on("error", failed);
      socket.once("connect", () => {
        if (!running.has(socket) || socket.destroyed) return;
        settle(socket);
        resolve(socket);
      });
      if (next < addresses.length) timer = setTimeout(attempt, attemptDelayMs);
    };
    signal.addEventListener("abort", aborted);
    attempt();
  });
}

function allFailed(target: string, failures: readonly NodeJS.ErrnoException[]): Error {
  const message = `could not connect to ${target}: ${failures.map((failure) => failure.message).join(", ")}`;
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  return Object.assign(new Error(message, { cause }), { code: failures[0]?.code });
}
