import { cbor } from "@farcall/codec/cbor";
import { json } from "@farcall/codec/json";
import { type Client, type ClientTransport, createClient, createServer, type Limits, type Server } from "@farcall/core";
import { Health, health, type ServerHealth } from "@farcall/services";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { balanced, type BalancedOptions, type BalancedTransport, type DiscoveryEvent } from "../src/index.ts";
import { type Behaviour, Who, who } from "./contract.ts";
import { until } from "./waits.ts";

export interface Member extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  readonly server: Server;
  readonly health: ServerHealth;
  readonly behaviour: Behaviour;
}

export interface MemberOptions {
  readonly port?: number;
  readonly withHealth?: boolean;
  readonly limits?: Partial<Limits>;
  readonly codecs?: readonly ("cbor" | "json")[];
}

/** A server on a port of its own. */
export async function member(name: string, options: MemberOptions = {}): Promise<Member> {
  const { handlers, behaviour } = who(name);
  const state = health();
  const codecs = (options.codecs ?? ["cbor", "json"]).map((one) => (one === "cbor" ? cbor() : json()));
  const server = createServer({ codecs, limits: options.limits ?? {}, onError: () => {} }).add(Who, handlers);
  if (options.withHealth !== false) server.add(Health, state.handlers);
  const { address } = await server.listen(tcpServer({ port: options.port ?? 0 }));
  return {
    name,
    address,
    server,
    health: state,
    behaviour,
    async [Symbol.asyncDispose]() {
      behaviour.release();
      state.shutdown();
      await server.close({ graceMs: 0 });
    },
  };
}

export interface Fleet extends AsyncDisposable {
  readonly members: Member[];
  readonly addresses: string[];
}

/** Servers called a, b, c, … */
export async function fleet(count: number, options: MemberOptions = {}): Promise<Fleet> {
  const members = await Promise.all(Array.from({ length: count }, (_, i) => member("abcdefghij".charAt(i), options)));
  return {
    members,
    addresses: members.map((one) => one.address),
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

export interface Balance extends AsyncDisposable {
  readonly transport: BalancedTransport;
  readonly client: Client<typeof Who>;
  readonly events: DiscoveryEvent[];
  /** How many calls each server answered, by name. */
  spread(calls: number): Promise<Record<string, number>>;
  /** Waits until every endpoint is in one of these states. */
  states(...states: string[]): Promise<void>;
}

/** Connects soon again, so that tests need not wait. */
export const connect = ({ address }: { readonly address: string }): ClientTransport =>
  tcp(address, { backoff: { initialMs: 20, maxMs: 50 } });

/** A client of several servers. */
export function balance(options: Partial<BalancedOptions> & Pick<BalancedOptions, "resolver">): Balance {
  const events: DiscoveryEvent[] = [];
  const transport = balanced({ connect, onEvent: (event) => events.push(event), ...options });
  const client = createClient(Who, { transport, codec: cbor() });
  return {
    transport,
    client,
    events,
    async spread(calls) {
      const counts: Record<string, number> = {};
      for (let i = 0; i < calls; i++) {
        const name = await client.name();
        counts[name] = (counts[name] ?? 0) + 1;
      }
      return counts;
    },
    async states(...states) {
      await until(
        () => transport.endpoints.length > 0 && transport.endpoints.every((one) => states.includes(one.state)),
      );
    },
    [Symbol.asyncDispose]: () => transport.close(),
  };
}
