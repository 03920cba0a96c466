import type { Method, OutgoingCall } from "@farcall/core";
import type { Candidate, Endpoint } from "../src/index.ts";
import { Who } from "./contract.ts";

export interface Stand extends Candidate {
  available: boolean;
  outstanding: number;
  weight: number;
}

/** Endpoints as a policy sees them. */
export function stands(list: readonly (string | Endpoint)[]): Stand[] {
  return list.map((one) => {
    const endpoint = typeof one === "string" ? { address: one } : one;
    return { endpoint, available: true, outstanding: 0, weight: endpoint.weight ?? 1, turn: 0 };
  });
}

export function addresses(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}:7001`);
}

export function call(metadata?: OutgoingCall["metadata"]): OutgoingCall {
  return {
    method: Who.methods.name as Method,
    codec: undefined as never,
    metadata,
    deadline: Infinity,
    values: undefined,
    attempt: 1,
    waitForReady: false,
    avoid: undefined,
  };
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
