import { describe, expect, test } from "vitest";
import { fromServiceConfig, retry } from "../src/index.ts";
import { scripted } from "./scripted.ts";

const retryPolicy = {
  maxAttempts: 4,
  initialBackoff: "0.1s",
  maxBackoff: "1s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE", "internal", 2],
};

const config = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    { name: [{}], timeout: "30s" },
    { name: [{ service: "test.v1.Scripted" }], waitForReady: true, timeout: "1.5s", retryPolicy },
    {
      name: [{ service: "test.v1.Scripted", method: "hedged" }],
      hedgingPolicy: { maxAttempts: 3, hedgingDelay: "0.05s", nonFatalStatusCodes: ["UNAVAILABLE"] },
      maxRequestMessageBytes: 1_000,
    },
  ],
  retryThrottling: { maxTokens: 10, tokenRatio: 0.1 },
};

test("a service config becomes options of retry()", () => {
  const options = fromServiceConfig(JSON.stringify(config));
  expect(options).toEqual({
    hedge: false,
    timeoutMs: 30_000,
    methods: {
      "test.v1.Scripted": {
        attempts: 4,
        backoff: { baseMs: 100, maxMs: 1_000, factor: 2, jitter: "proportional" },
        codes: ["UNAVAILABLE", "INTERNAL", "UNKNOWN"],
        hedge: false,
        timeoutMs: 1_500,
        waitForReady: true,
      },
      "test.v1.Scripted/hedged": {
        hedge: { attempts: 3, delayMs: 50 },
        codes: ["UNAVAILABLE"],
      },
    },
    budget: { minTokens: 10, maxTokens: 10, share: 0, tokensPerSuccess: 0.1, floorPerSecond: 0 },
  });
  expect(fromServiceConfig(config)).toEqual(options);
  expect(() => retry(options)).not.toThrow();
});

test("it decides how calls are retried", async () => {
  const { requests, attempts, call, caller, advance } = scripted({ ...fromServiceConfig(config), deadline: 20_000 });
  requests.message(1, true);
  expect(call).toMatchObject({ deadline: 1_500, waitForReady: true });
  for (let i = 0; i < 10; i++) {
    attempts.at(-1)?.fail("INTERNAL");
    await advance(250);
  }
  expect(attempts).toHaveLength(4);
  expect(caller.error?.explain?.attempts.map(({ delayMs }) => delayMs)).toEqual([undefined, 100, 200, 400]);
});

test("its throttling has no floor", async () => {
  const { begin, attempts, clock } = scripted(fromServiceConfig({ retryThrottling: config.retryThrottling }));
  for (let i = 0; i < 63; i++) begin();
  for (const one of attempts.slice()) one.fail("UNAVAILABLE");
  expect(clock.pending).toBe(4);
});

test("as in gRPC, more than five attempts are five, and a maximum below the first delay is both", () => {
  const { methods } = fromServiceConfig({
    methodConfig: [
      { name: [{ service: "a.v1.A" }], retryPolicy: { ...retryPolicy, maxAttempts: 9, initialBackoff: "5s" } },
    ],
  });
  expect(methods?.["a.v1.A"]).toMatchObject({ attempts: 5, backoff: { baseMs: 1_000, maxMs: 1_000 } });
});

describe("it names the field of", () => {
  const withPolicy = (changes: object): object => ({
    methodConfig: [{ name: [{ service: "a.v1.A" }], retryPolicy: { ...retryPolicy, ...changes } }],
  });
  const withHedging = (hedgingPolicy: object): object => ({
    methodConfig: [{ name: [{ service: "a.v1.A" }], hedgingPolicy }],
  });
  test.each<[string | object, string]>([
    ["{", "the service config is not JSON"],
    ["[]", "the service config must be an object, got a list"],
    [{ methodConfig: {} }, "methodConfig must be a list"],
    [{ methodConfig: [5] }, "methodConfig[0] must be an object, got 5"],
    [{ methodConfig: [{}] }, "methodConfig[0].name must be a list"],
    [{ methodConfig: [{ name: [] }] }, "methodConfig[0].name must have an entry"],
    [{ methodConfig: [{ name: [{ method: "b" }] }] }, "methodConfig[0].name[0].method needs a service"],
    [{ methodConfig: [{ name: [{ service: 5 }] }] }, "methodConfig[0].name[0].service must be a string"],
    [{ methodConfig: [{ name: [{ services: "a" }] }] }, 'methodConfig[0].name[0] has no field "services"'],
    [{ methodConfig: [{ name: [{}, {}] }] }, "methodConfig[0].name[1] is there twice: all methods"],
    [{ methodConfig: [{ name: [{}], timeout: 5 }] }, "methodConfig[0].timeout must be a duration"],
    [
      { methodConfig: [{ name: [{}], timeout: "5m" }] },
      'methodConfig[0].timeout must be a duration such as "0.1s", got "5m"',
    ],
    [{ methodConfig: [{ name: [{}], timeout: "0s" }] }, "methodConfig[0].timeout must be a number above 0"],
    [{ methodConfig: [{ name: [{}], waitForReady: "yes" }] }, "methodConfig[0].waitForReady"],
    [
      { methodConfig: [{ name: [{}], retryPolicy, hedgingPolicy: { maxAttempts: 2 } }] },
      "methodConfig[0].retryPolicy and methodConfig[0].hedgingPolicy contradict each other",
    ],
    [withPolicy({ maxAttempts: 1 }), "methodConfig[0].retryPolicy.maxAttempts must be a whole number of at least 2"],
    [withPolicy({ maxAttempts: undefined }), "methodConfig[0].retryPolicy.maxAttempts must be a number"],
    [withPolicy({ initialBackoff: "-1s" }), "methodConfig[0].retryPolicy.initialBackoff"],
    [withPolicy({ maxBackoff: undefined }), "methodConfig[0].retryPolicy.maxBackoff must be a duration"],
    [withPolicy({ backoffMultiplier: 0 }), "methodConfig[0].retryPolicy.backoffMultiplier"],
    [withPolicy({ retryableStatusCodes: [] }), "methodConfig[0].retryPolicy.retryableStatusCodes must name a code"],
    [withPolicy({ retryableStatusCodes: ["NOPE"] }), 'methodConfig[0].retryPolicy.retryableStatusCodes[0]: "NOPE"'],
    [withPolicy({ retryableStatusCodes: [0] }), "methodConfig[0].retryPolicy.retryableStatusCodes[0]: 0"],
    [withPolicy({ retryableStatusCodes: [99] }), "methodConfig[0].retryPolicy.retryableStatusCodes[0]: 99"],
    [withPolicy({ retryableStatusCodes: [5] }), "retryableStatusCodes[0]: NOT_FOUND fails again"],
    [withPolicy({ maxAttempt: 3 }), 'methodConfig[0].retryPolicy has no field "maxAttempt"'],
    [withHedging({ maxAttempts: 3, hedgingDelay: "soon" }), "methodConfig[0].hedgingPolicy.hedgingDelay"],
    [withHedging({}), "methodConfig[0].hedgingPolicy.maxAttempts"],
    [{ retryThrottling: { maxTokens: 0, tokenRatio: 1 } }, "retryThrottling.maxTokens"],
    [{ retryThrottling: { maxTokens: 10, tokenRatio: 0 } }, "retryThrottling.tokenRatio"],
    [{ retryThrottling: 5 }, "retryThrottling must be an object"],
  ])("%j", (json, message) => {
    expect(() => fromServiceConfig(json)).toThrow(message);
  });
});
