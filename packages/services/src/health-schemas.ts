import type { Schema } from "@farcall/core";
import { type HealthStatus, healthStatuses } from "./health-status.ts";

/** Which service is asked about; the empty name, and none at all, is the server as a whole. */
export interface HealthRequest {
  readonly service: string;
}

export interface HealthResponse {
  readonly status: HealthStatus;
}

export interface HealthListResponse {
  readonly statuses: Readonly<Record<string, HealthResponse>>;
}

const maxNameLength = 1_000;

export const healthRequest: Schema<Partial<HealthRequest>, HealthRequest> = schema((value, issue) => {
  if (!isObject(value)) return issue("must be an object");
  const { service = "" } = value;
  if (typeof service !== "string") return issue("must be a string", "service");
  if (service.length > maxNameLength) return issue(`must not be longer than ${maxNameLength}`, "service");
  return { value: { service } };
});

export const healthResponse: Schema<HealthResponse> = schema((value, issue) => {
  const status = statusOf(value);
  return status === undefined ? issue(notAStatus, "status") : { value: { status } };
});

export const healthListRequest: Schema<Record<string, never> | undefined, Record<string, never>> = schema(
  (value, issue) => (value === undefined || isObject(value) ? { value: {} } : issue("must be an object")),
);

export const healthListResponse: Schema<HealthListResponse> = schema((value, issue) => {
  if (!isObject(value) || !isObject(value["statuses"])) return issue("must be an object", "statuses");
  // A peer chooses the names, and `__proto__` may be one.
  const statuses = Object.create(null) as Record<string, HealthResponse>;
  for (const [service, one] of Object.entries(value["statuses"])) {
    const status = statusOf(one);
    if (status === undefined) return issue(notAStatus, `statuses.${service}`);
    statuses[service] = { status };
  }
  return { value: { statuses } };
});

const notAStatus = `must be one of ${healthStatuses.join(", ")}`;

/** Codecs of protobuf may give an enumeration's number. */
function statusOf(value: unknown): HealthStatus | undefined {
  if (!isObject(value)) return undefined;
  const { status = 0 } = value;
  return healthStatuses[typeof status === "number" ? status : healthStatuses.indexOf(status as HealthStatus)];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

type Checked<O> = { readonly value: O } | { readonly issues: readonly { message: string; path: readonly string[] }[] };
type Issue = (message: string, path?: string) => { readonly issues: { message: string; path: readonly string[] }[] };

/** A Standard Schema without a library. */
function schema<I, O>(check: (value: unknown, issue: Issue) => Checked<O>): Schema<I, O> {
  const issue: Issue = (message, path) => ({ issues: [{ message, path: path === undefined ? [] : [path] }] });
  return { "~standard": { version: 1, vendor: "farcall", validate: (value) => check(value, issue) } };
}
