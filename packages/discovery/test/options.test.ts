import { tcp } from "@farcall/transport-tcp";
import { expect, test } from "vitest";
import { balanced, type BalancedOptions, dns } from "../src/index.ts";

const good: BalancedOptions = { resolver: ["127.0.0.1:1"], connect: (one) => tcp(one.address) };

test.each([
  [{ resolver: undefined }, "`resolver`"],
  [{ connect: "tcp" }, "`connect`"],
  [{ policy: {} }, "`policy`"],
  [{ health: { service: 5 } }, "health.service"],
  [{ health: { codec: {} } }, "health.codec"],
  [{ health: { services: [] } }, 'health has no option "services"'],
  [{ outliers: { consecutive: 0 } }, "outliers.consecutive"],
  [{ outliers: { consecutive: 2.5 } }, "outliers.consecutive"],
  [{ outliers: { intervalMs: -1 } }, "outliers.intervalMs"],
  [{ outliers: { baseMs: Number.NaN } }, "outliers.baseMs"],
  [{ outliers: { baseMs: 1_000_000 } }, "outliers.maxMs"],
  [{ outliers: { maxEjectedPercent: 101 } }, "outliers.maxEjectedPercent"],
  [{ outliers: { isFailure: true } }, "outliers.isFailure"],
  [{ outliers: { successRate: { stdevFactor: 0 } } }, "outliers.successRate.stdevFactor"],
  [{ outliers: { successRate: { minHosts: 0 } } }, "outliers.successRate.minHosts"],
  [{ outliers: { failurePercentage: { threshold: 120 } } }, "outliers.failurePercentage.threshold"],
  [{ outliers: { failurePercentage: { minCalls: -3 } } }, "outliers.failurePercentage.minCalls"],
  [{ outliers: { threshold: 3 } }, 'outliers has no option "threshold"'],
  [{ slowStart: { windowMs: 0 } }, "slowStart.windowMs"],
  [{ slowStart: { minShare: 2 } }, "slowStart.minShare"],
  [{ connections: { max: 0 } }, "connections.max"],
  [{ connections: { maxCalls: 1.5 } }, "connections.maxCalls"],
  [{ drainMs: -1 }, "drainMs"],
  [{ drainMs: "5" }, "drainMs"],
  [{ health: null }, "health must be an object of options, got null"],
  [{ outliers: true }, "outliers must be an object of options, got true"],
  [{ slowStart: 5_000 }, "slowStart must be an object of options, got 5000"],
  [{ connections: [] }, "connections must be an object of options, got []"],
  [{ clock: {} }, "`clock.now`"],
  [{ name: 5 }, "`name`"],
  [{ resolver: [] }, "the list of endpoints is empty"],
  [{ resolver: ["a:1", null] }, "endpoint 1: null is none"],
  [{ resolver: [{ address: "a:1", weight: -1 }] }, "endpoint 0: the weight of a:1"],
  [{ onEvent: {} }, "`onEvent`"],
  [{ random: 0.5 }, "`random`"],
  [{ resolvers: [] }, 'balanced has no option "resolvers"'],
])("%j is refused: %s", (wrong, message) => {
  expect(() => balanced({ ...good, ...wrong } as BalancedOptions)).toThrow(message);
});

test.each([
  "",
  "host",
  "host:0",
  "host:70000",
  ":5",
  "a b:1",
  "http://host:1",
  { host: "a" },
  { srv: "a b" },
  {},
  undefined,
])("dns(%j) is refused", (target) => {
  expect(() => dns(target as string)).toThrow(TypeError);
});

test("options of dns that make no sense are refused by name", () => {
  expect(() => dns("a:1", { intervalMs: 0 })).toThrow("intervalMs");
  expect(() => dns("a:1", { minIntervalMs: Number.NaN })).toThrow("minIntervalMs");
  expect(() => dns("a:1", { servers: ["no server"] })).toThrow("servers");
});
