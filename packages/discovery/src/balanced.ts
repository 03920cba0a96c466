import {
  type CallHandler,
  type CallProgress,
  type ClientTransport,
  type CloseOptions,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  RpcError,
} from "@farcall/core";
import { BalancedCall, type BalancedCallOwner } from "./balanced-call.ts";
import { type BalancedOptions, type BalancedSetup, balancedSetup } from "./balanced-options.ts";
import type { Endpoint } from "./endpoint.ts";
import type { DiscoveryEvent, EndpointStatus } from "./events.ts";
import { whyNone } from "./no-endpoint.ts";
import { OutlierEjection } from "./outlier-ejection.ts";
import { PendingCall, type PendingOwner } from "./pending-call.ts";
import type { Balancer, Candidate } from "./policy.ts";
import { Probe } from "./probe.ts";
import { Resolution } from "./resolution.ts";
import type { Target } from "./target.ts";
import { Targets } from "./targets.ts";

/** A transport to many endpoints. */
export interface BalancedTransport extends ClientTransport {
  /** The listed endpoints, and where they stand. */
  readonly endpoints: readonly EndpointStatus[];
}

/**
 * A client transport made of many: finds endpoints, connects to them, and gives each call to one that is ready. It does
 * nothing until the first call.
 *
 * @throws TypeError or RangeError that names the option when one is unusable.
 */
export function balanced(options: BalancedOptions): BalancedTransport {
  return new Balanced(balancedSetup(options));
}

/** What callers are told to wait when all connections are full, ms. */
const fullRetryAfterMs = 100;

class Balanced implements BalancedTransport, BalancedCallOwner, PendingOwner {
  readonly address: string;
  readonly #setup: BalancedSetup;
  readonly #balancer: Balancer;
  readonly #targets: Targets;
  readonly #resolution: Resolution;
  readonly #ejection: OutlierEjection<Target> | undefined;
  #pending = new Set<PendingCall>();
  #started = false;
  #closed = false;

  constructor(setup: BalancedSetup) {
    this.#setup = setup;
    this.address = setup.name;
    const { clock, random, policy, outliers } = setup;
    this.#balancer = policy.create(random);
    this.#targets = new Targets(
      {
        connect: setup.connect,
        limits: setup.limits,
        probe: (transport, events) =>
          new Probe(transport.handle, setup.watch, { heeds: setup.heedsHealth, clock, random }, events),
      },
      this.#balancer,
      { connect: policy.connect ?? "all", drainMs: setup.drainMs, slowStart: setup.slowStart, clock },
      {
        state: (target, state, reason) => {
          this.#tell({ type: "endpoint", address: target.address, state, reason });
          // The list may be older than what has become of it.
          if (state === "unreachable" || state === "not serving") this.#resolution.refresh();
        },
        settled: () => this.#settled(),
        removed: (target) => this.#ejection?.forget(target),
      },
    );
    this.#resolution = new Resolution(setup.resolver, clock, random, {
      resolved: (endpoints) => this.#resolved(endpoints),
      failed: (error) => {
        this.#tell({ type: "resolver-failed", error, kept: this.#targets.all.length });
        this.#settled();
      },
    });
    this.#ejection =
      outliers === undefined
        ? undefined
        : new OutlierEjection<Target>(outliers, clock, {
            hosts: () => this.#targets.all,
            ejected: (target, reason) => {
              target.ejectedBecause = reason;
              this.#targets.changed(target);
            },
            returned: (target) => this.#targets.changed(target),
          });
  }

  get endpoints(): readonly EndpointStatus[] {
    return this.#targets.all.map((target) => target.status);
  }

  get waitingFor(): string {
    return whyNone(this.address, this.#targets.all, this.#resolution.error);
  }

  handle: CallHandler<OutgoingCall> = (call, responses) => {
    if (this.#targets.isWarming) this.#targets.warm();
    let target: Candidate | undefined;
    try {
      target = call.avoid === undefined ? this.#balancer.pick(call, undefined) : this.#pickAvoiding(call);
    } catch (error) {
      return refused(responses, new RpcError("INTERNAL", "the policy failed", { processed: "no", cause: error }));
    }
    if (target === undefined) return this.#wait(call, responses);
    const lane = (target as Target).connections.take();
    if (lane === undefined) return this.#elsewhere(call, responses, target as Target);
    return new BalancedCall(this, target as Target, lane, responses).begin(call);
  };

  async close({ graceMs = 0 }: CloseOptions = {}): Promise<void> {
    this.#closed = true;
    this.#resolution.close();
    this.#ejection?.close();
    const error = new RpcError("UNAVAILABLE", `the transport to ${this.address} was closed`, { processed: "no" });
    for (const one of this.#takePending(() => true)) one.fail(error.with({}));
    await this.#targets.close(graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What calls tell.

  ended(target: Target, error: RpcError | undefined): void {
    if (error === undefined) {
      this.#ejection?.succeeded(target);
    } else if (error.processed === "no" && !error.remote) {
      // It never left, which says something about the connection and nothing about the endpoint.
      if (error.code === "UNAVAILABLE" && !this.#closed) target.lost(error.rawMessage);
    } else if (error.code !== "CANCELLED" && this.#ejection !== undefined) {
      if (this.#setup.outliers?.isFailure(error) === true) this.#ejection.failed(target);
      else this.#ejection.succeeded(target);
    }
  }

  another(call: OutgoingCall, responses: ResponseSink): RequestSink {
    return this.handle(call, responses);
  }

  forget(call: PendingCall): void {
    this.#pending.delete(call);
  }

  /** One that was not tried; any, when all were. */
  #pickAvoiding(call: OutgoingCall): Candidate | undefined {
    const { avoid = [] } = call;
    const skip = new Set<Candidate>(this.#targets.all.filter((target) => target.isAmong(avoid)));
    const picked = skip.size === 0 ? undefined : this.#balancer.pick(call, skip);
    return picked ?? this.#balancer.pick(call, undefined);
  }

  /** The connections to `full` take no more: others may. */
  #elsewhere(call: OutgoingCall, responses: ResponseSink, full: Target): RequestSink {
    const skip = new Set<Candidate>([full]);
    for (;;) {
      const target = this.#balancer.pick(call, skip) as Target | undefined;
      // A policy that does not heed `skip` ends here too.
      if (target === undefined || skip.has(target)) break;
      const lane = target.connections.take();
      if (lane !== undefined) return new BalancedCall(this, target, lane, responses).begin(call);
      skip.add(target);
    }
    const message = `all connections to ${this.address} are full`;
    return refused(
      responses,
      new RpcError("RESOURCE_EXHAUSTED", message, { processed: "no", retryAfterMs: fullRetryAfterMs }),
    );
  }

  /** A call that finds no endpoint. */
  #wait(call: OutgoingCall, responses: ResponseSink): RequestSink {
    if (this.#closed) {
      const message = `the transport to ${this.address} is closed`;
      return refused(responses, new RpcError("UNAVAILABLE", message, { processed: "no" }));
    }
    if (!this.#started) {
      this.#started = true;
      this.#resolution.start();
    }
    if (!call.waitForReady && this.#isHopeless) return refused(responses, this.#noEndpoint());
    const pending = new PendingCall(call, responses, this);
    this.#pending.add(pending);
    return pending;
  }

  /** Is there nothing under way that would bring an endpoint soon? */
  get #isHopeless(): boolean {
    const { all } = this.#targets;
    if (all.length === 0) return this.#resolution.error !== undefined;
    return !all.some(
      (target) => target.state === "connecting" || target.state === "ready" || target.state === "ejected",
    );
  }

  #noEndpoint(): RpcError {
    return new RpcError("UNAVAILABLE", this.waitingFor, { processed: "no", cause: this.#resolution.error });
  }

  #resolved(endpoints: readonly Endpoint[]): void {
    if (this.#closed) return;
    const failures = this.#targets.update(endpoints);
    this.#tell({ type: "resolved", endpoints });
    for (const { endpoint, error } of failures) {
      const reason = (error as Error)?.message ?? String(error);
      this.#tell({ type: "endpoint", address: endpoint.address, state: "unreachable", reason });
    }
  }

  /** Those who wait may go on, or may wait no longer. */
  #settled(): void {
    if (this.#pending.size === 0) return;
    if (this.#targets.all.some((target) => target.available)) {
      // One that finds no endpoint after all waits again.
      for (const one of this.#takePending(() => true)) one.goOn(this.handle);
    } else if (this.#isHopeless) {
      const error = this.#noEndpoint();
      for (const one of this.#takePending((pending) => !pending.call.waitForReady)) one.fail(error.with({}));
    }
  }

  #takePending(which: (pending: PendingCall) => boolean): PendingCall[] {
    const taken = [...this.#pending].filter(which);
    for (const one of taken) this.#pending.delete(one);
    return taken;
  }

  #tell(event: DiscoveryEvent): void {
    try {
      this.#setup.onEvent?.(event);
    } catch (error) {
      // The listener's mistake must not break what it listens to.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function refused(responses: ResponseSink, error: RpcError): RequestSink {
  responses.end(error, undefined);
  return nowhere;
}

/** Takes what still comes of a call that was refused. */
const nowhere: RequestSink = {
  message: () => true,
  end: () => {},
  cancel: () => {},
  ready: () => {},
  progress: (): CallProgress => ({ phase: "connecting" }),
};
