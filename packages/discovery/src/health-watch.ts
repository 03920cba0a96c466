import {
  type Codec,
  type Method,
  type MethodCodec,
  methodCodec,
  type OutgoingCall,
  serverStream,
  service,
  type,
} from "@farcall/core";

/** As much of `grpc.health.v1` as a client needs that only watches. */
const Health = service("grpc.health.v1.Health", {
  watch: serverStream({
    name: "Watch",
    input: type<{ readonly service: string }>(),
    output: type<{ readonly status?: string | number }>(),
    effect: "pure",
  }),
});

const statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** What is sent to learn whether an endpoint serves. */
export interface HealthWatch {
  readonly request: { readonly service: string };
  /** A new call of `Watch`. */
  call(waitForReady: boolean): OutgoingCall;
}

export function healthWatch(serviceName: string, codec: Codec | undefined): HealthWatch {
  const method = Health.methods.watch as Method;
  const prepared: MethodCodec = methodCodec(codec ?? plainJson, method);
  return {
    request: { service: serviceName },
    call: (waitForReady) => ({
      method,
      codec: prepared,
      metadata: undefined,
      deadline: Infinity,
      values: undefined,
      attempt: 1,
      waitForReady,
      avoid: undefined,
    }),
  };
}

/** The status in a response of `Watch`, by name; codecs of protobuf may give its number, and nothing for 0. */
export function readStatus(response: unknown): string {
  const status = (response as { status?: unknown } | null)?.status ?? 0;
  return (typeof status === "number" ? statuses[status] : statuses.find((one) => one === status)) ?? "UNKNOWN";
}

/** JSON, enough for messages of one text: this package knows no codec, and nearly every server has this one. */
const plainJson: Codec = {
  name: "json",
  message: () => ({
    encode: (value, into) => into.write(new TextEncoder().encode(JSON.stringify(value))),
    decode: (bytes, start, end) => JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))),
  }),
};
