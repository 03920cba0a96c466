import { serverStream, service, unary } from "@farcall/core";
import { healthListRequest, healthListResponse, healthRequest, healthResponse } from "./health-schemas.ts";

/** The contract `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). */
export const Health = service("grpc.health.v1.Health", {
  check: unary({
    name: "Check",
    input: healthRequest,
    output: healthResponse,
    effect: "pure",
    doc: "The status of a service now. NOT_FOUND when the server does not know it.",
  }),
  watch: serverStream({
    name: "Watch",
    input: healthRequest,
    output: healthResponse,
    effect: "pure",
    doc: "The status of a service at once and at each change; SERVICE_UNKNOWN while the server does not know it.",
  }),
  list: unary({
    name: "List",
    input: healthListRequest,
    output: healthListResponse,
    effect: "pure",
    doc: "The status of every service that the server knows, at most 100.",
  }),
});
