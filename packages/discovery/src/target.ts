import type { ClientTransport } from "@farcall/core";
import { Connections } from "./connections.ts";
import type { Endpoint } from "./endpoint.ts";
import type { EndpointState, EndpointStatus } from "./events.ts";
import { type Host, Outcomes } from "./outlier-ejection.ts";
import type { Candidate } from "./policy.ts";
import type { Probe, ProbeEvents } from "./probe.ts";

/** What a target is made with: the same for all of a transport. */
export interface TargetSetup {
  connect(endpoint: Endpoint): ClientTransport;
  readonly limits: { readonly max: number; readonly maxCalls: number };
  probe(transport: ClientTransport, events: ProbeEvents): Probe;
  /** Something about it has changed. */
  changed(target: Target): void;
}

/** What the probe knows. */
type Reach = "idle" | "connecting" | "answers" | "unreachable";

/** A listed endpoint: its connections, what is known of it, and its calls. */
export class Target implements Candidate, Host {
  endpoint: Endpoint;
  available = false;
  outstanding = 0;
  weight = 1;
  turn = 0;
  readonly outcomes = new Outcomes();
  readonly connections: Connections;
  /** Do others have all the calls when it gets its first? Not so for the first list. */
  joinsOthers = false;
  /** When it began to come back slowly; undefined when it has its full share. */
  warmingSince: number | undefined = undefined;
  /** Why it was ejected the last time. */
  ejectedBecause: string | undefined = undefined;
  readonly #setup: TargetSetup;
  readonly #probe: Probe;
  #reach: Reach = "idle";
  #serves = true;
  #reason: string | undefined = undefined;
  #closed = false;
  /** What the transport calls it, where that is not its address: names have addresses. */
  #peer: string | undefined = undefined;

  /** @throws what `connect` throws */
  constructor(endpoint: Endpoint, setup: TargetSetup) {
    this.endpoint = endpoint;
    this.weight = endpoint.weight ?? 1;
    this.#setup = setup;
    this.connections = new Connections(() => setup.connect(endpoint), setup.limits);
    this.#probe = setup.probe(this.connections.first, {
      connecting: (reason) => this.#now("connecting", this.#serves, reason),
      answered: (status, peer) => {
        this.#peer = peer ?? this.#peer;
        // Silence about its health changes nothing that it said before.
        const serves = status === undefined ? this.#reach !== "answers" || this.#serves : status === "SERVING";
        this.#now("answers", serves, serves ? undefined : `health says ${status ?? "it does not serve"}`);
      },
      unreachable: (error) => this.#now("unreachable", this.#serves, error.rawMessage),
    });
  }

  get address(): string {
    return this.endpoint.address;
  }

  /** Is it among these addresses? Errors may name it by what its name stands for. */
  isAmong(addresses: readonly string[]): boolean {
    return addresses.includes(this.address) || (this.#peer !== undefined && addresses.includes(this.#peer));
  }

  get isReady(): boolean {
    return this.#reach === "answers" && this.#serves;
  }

  get state(): EndpointState {
    if (this.#reach !== "answers") return this.#reach;
    if (!this.#serves) return "not serving";
    return this.outcomes.ejected ? "ejected" : "ready";
  }

  /** Why it is not ready. */
  get reason(): string | undefined {
    return this.state === "ejected" ? this.ejectedBecause : this.#reason;
  }

  get status(): EndpointStatus {
    const { address, state, reason, outstanding: openCalls } = this;
    return { address, state, reason, openCalls, connections: this.connections.size };
  }

  /** Connects, and keeps an eye on it. */
  start(): void {
    if (this.#reach === "idle") this.#probe.start();
  }

  /** A call found no connection, or one that is leaving. */
  lost(reason: string): void {
    if (this.#reach === "answers" && !this.#closed) this.#probe.startAnew(reason);
  }

  /** Nobody needs it for now. */
  rest(): void {
    if (this.#reach === "idle") return;
    this.#probe.stop();
    this.#now("idle", true, undefined);
  }

  /** For good; calls on it have so long to end, ms. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.available = false;
    this.#probe.stop();
    await this.connections.close({ graceMs });
  }

  #now(reach: Reach, serves: boolean, reason: string | undefined): void {
    if (this.#reach === reach && this.#serves === serves && this.#reason === reason) return;
    this.#reach = reach;
    this.#serves = serves;
    this.#reason = reason;
    this.#setup.changed(this);
  }
}
