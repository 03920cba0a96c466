import { type ErrorCode, type StatusCode, statusFromNumber, statusNumbers } from "@farcall/core";
import { checkFields, checkNumber, show } from "./check.ts";
import { isHopeless } from "./decide.ts";
import type { RetryOptions } from "./retry-options.ts";
import type { RetryRules } from "./rules.ts";

type Json = Readonly<Record<string, unknown>>;

/** gRPC counts more than five attempts as five. */
const maxAttempts = 5;

/**
 * Options from a gRPC service config (https://github.com/grpc/grpc/blob/master/doc/service_config.md, gRFC A6): its
 * `retryPolicy`, `hedgingPolicy`, `timeout` and `waitForReady` by method, and `retryThrottling`. Fields that are about
 * something else, such as load balancing, are left alone.
 *
 * The contract has the last word: which methods may be repeated follows from their effect classes, which gRPC does not
 * have. What the config does not name keeps the defaults of `retry()`.
 *
 * @param config The JSON, as text or parsed.
 * @throws TypeError or RangeError that names the field, such as `methodConfig[0].retryPolicy.maxAttempts`.
 */
export function fromServiceConfig(config: string | object): RetryOptions {
  const json = object("the service config", typeof config === "string" ? parse(config) : config);
  const methods: Record<string, RetryRules> = {};
  const seen = new Set<string>();
  let forAll: RetryRules = {};
  list("methodConfig", json["methodConfig"] ?? []).forEach((entry, i) => {
    const field = `methodConfig[${i}]`;
    const one = object(field, entry);
    const rules = methodRules(field, one);
    const names = list(`${field}.name`, one["name"]);
    if (names.length === 0) throw new TypeError(`${field}.name must have an entry; {} is for all methods`);
    names.forEach((value, n) => {
      const name = methodName(`${field}.name[${n}]`, value);
      if (seen.has(name)) throw new TypeError(`${field}.name[${n}] is there twice: ${name || "all methods"}`);
      seen.add(name);
      if (name === "") forAll = rules;
      else methods[name] = rules;
    });
  });
  const throttling = json["retryThrottling"];
  return {
    ...forAll,
    methods,
    ...(throttling === undefined ? {} : { budget: budgetOptions("retryThrottling", throttling) }),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError(`the service config is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** `package.Service/Method`, `package.Service`, or nothing for all methods. */
function methodName(field: string, value: unknown): string {
  const { service, method } = checkFields(field, object(field, value), ["service", "method"]);
  const serviceName = text(`${field}.service`, service);
  const name = text(`${field}.method`, method);
  if (serviceName === "" && name !== "") throw new TypeError(`${field}.method needs a service beside it`);
  return name === "" ? serviceName : `${serviceName}/${name}`;
}

function methodRules(field: string, one: Json): RetryRules {
  const { retryPolicy, hedgingPolicy, timeout, waitForReady } = one;
  if (retryPolicy !== undefined && hedgingPolicy !== undefined) {
    throw new TypeError(`${field}.retryPolicy and ${field}.hedgingPolicy contradict each other: only one may be there`);
  }
  if (waitForReady !== undefined && typeof waitForReady !== "boolean") {
    throw new TypeError(`${field}.waitForReady must be true or false, got ${show(waitForReady)}`);
  }
  return {
    ...(retryPolicy === undefined ? {} : retryRulesOf(`${field}.retryPolicy`, retryPolicy)),
    // A more general entry may hedge; the more specific one replaces it.
    ...(hedgingPolicy === undefined ? { hedge: false } : hedgeRulesOf(`${field}.hedgingPolicy`, hedgingPolicy)),
    ...(timeout === undefined ? {} : { timeoutMs: duration(`${field}.timeout`, timeout, true) }),
    ...(waitForReady === undefined ? {} : { waitForReady }),
  };
}

function retryRulesOf(field: string, value: unknown): RetryRules {
  const policy = checkFields(field, object(field, value), [
    "maxAttempts",
    "initialBackoff",
    "maxBackoff",
    "backoffMultiplier",
    "retryableStatusCodes",
    "perAttemptRecvTimeout",
  ]);
  const codes = codeList(`${field}.retryableStatusCodes`, policy["retryableStatusCodes"]);
  if (codes.length === 0) throw new TypeError(`${field}.retryableStatusCodes must name a code`);
  const baseMs = duration(`${field}.initialBackoff`, policy["initialBackoff"], true);
  const maxMs = duration(`${field}.maxBackoff`, policy["maxBackoff"], true);
  const factor = checkNumber(`${field}.backoffMultiplier`, policy["backoffMultiplier"], { min: 1, max: 100 });
  const perAttempt = policy["perAttemptRecvTimeout"];
  return {
    attempts: attempts(`${field}.maxAttempts`, policy["maxAttempts"]),
    // gRPC takes a maximum below the first delay for both.
    backoff: { baseMs: Math.min(baseMs, maxMs), maxMs, factor, jitter: "proportional" },
    codes,
    ...(perAttempt === undefined
      ? {}
      : { attemptTimeoutMs: duration(`${field}.perAttemptRecvTimeout`, perAttempt, true) }),
  };
}

function hedgeRulesOf(field: string, value: unknown): RetryRules {
  const policy = checkFields(field, object(field, value), ["maxAttempts", "hedgingDelay", "nonFatalStatusCodes"]);
  const { hedgingDelay, nonFatalStatusCodes } = policy;
  return {
    hedge: {
      attempts: attempts(`${field}.maxAttempts`, policy["maxAttempts"]),
      delayMs: hedgingDelay === undefined ? 0 : duration(`${field}.hedgingDelay`, hedgingDelay, false),
    },
    ...(nonFatalStatusCodes === undefined
      ? {}
      : { codes: codeList(`${field}.nonFatalStatusCodes`, nonFatalStatusCodes) }),
  };
}

/** gRPC's throttling is a bucket of fixed size without a floor. */
function budgetOptions(field: string, value: unknown): NonNullable<RetryOptions["budget"]> {
  const throttling = checkFields(field, object(field, value), ["maxTokens", "tokenRatio"]);
  const maxTokens = checkNumber(`${field}.maxTokens`, throttling["maxTokens"], { min: 1, max: 1_000 });
  const tokenRatio = checkNumber(`${field}.tokenRatio`, throttling["tokenRatio"], { min: 0, max: 1_000, above: true });
  return { minTokens: maxTokens, maxTokens, share: 0, tokensPerSuccess: tokenRatio, floorPerSecond: 0 };
}

function attempts(field: string, value: unknown): number {
  return Math.min(maxAttempts, checkNumber(field, value, { min: 2, integer: true }));
}

/** Names in any case, or numbers. */
function codeList(field: string, value: unknown): ErrorCode[] {
  return list(field, value).map((one, i) => {
    const name = typeof one === "string" ? one.toUpperCase() : Number.isInteger(one) ? nameOf(one as number) : "";
    if (!Object.hasOwn(statusNumbers, name) || name === "OK") {
      throw new TypeError(`${field}[${i}]: ${show(one)} is not the code of an error, such as "UNAVAILABLE" or 14`);
    }
    if (isHopeless(name as ErrorCode)) {
      throw new RangeError(`${field}[${i}]: ${name} fails again, so it is never retried`);
    }
    return name as ErrorCode;
  });
}

/** Unlike a status that arrives, a number in a config that names nothing is a mistake. */
function nameOf(number: number): StatusCode | "" {
  const name = statusFromNumber(number);
  return statusNumbers[name] === number ? name : "";
}

/** A duration of proto3's JSON, such as `"0.1s"`. Returns ms. */
function duration(field: string, value: unknown, positive: boolean): number {
  if (typeof value !== "string" || !/^\d{1,9}(\.\d{1,9})?s$/.test(value)) {
    throw new TypeError(`${field} must be a duration such as "0.1s", got ${show(value)}`);
  }
  return checkNumber(field, Number(value.slice(0, -1)) * 1_000, { min: 0, above: positive, max: 2 ** 31 - 1 });
}

function text(field: string, value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  throw new TypeError(`${field} must be a string, got ${show(value)}`);
}

function list(field: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${field} must be a list, got ${show(value)}`);
}

function object(field: string, value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new TypeError(`${field} must be an object, got ${show(value)}`);
}
