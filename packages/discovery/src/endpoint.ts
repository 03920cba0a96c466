/** A place where calls can go. A resolver may add fields of its own, for `connect`. */
export interface Endpoint {
  /** As the transport wants it: `10.0.0.7:7001`. It is the endpoint's identity: in errors, in events, in `avoid`. */
  readonly address: string;
  /** Its share of the calls. Default 1. */
  readonly weight?: number | undefined;
  /** Gets calls only while no endpoint of a lower number can. Default 0. */
  readonly priority?: number | undefined;
}

/** What resolvers give: an address alone is an endpoint too. */
export type EndpointList = readonly (string | Endpoint)[];

const maxEndpoints = 10_000;
const maxWeight = 1_000_000;

/**
 * The endpoints of a list that somebody else wrote, each address once.
 * @throws TypeError that says what about the list is wrong; an empty one is.
 */
export function readEndpoints(list: unknown): Endpoint[] {
  if (!Array.isArray(list)) throw new TypeError(`a list of endpoints was expected, not ${shown(list)}`);
  if (list.length === 0) throw new TypeError("the list of endpoints is empty");
  if (list.length > maxEndpoints) throw new TypeError(`${list.length} endpoints are more than ${maxEndpoints}`);
  const byAddress = new Map<string, Endpoint>();
  for (const [index, one] of list.entries()) {
    const endpoint = readEndpoint(one, index);
    if (!byAddress.has(endpoint.address)) byAddress.set(endpoint.address, endpoint);
  }
  return [...byAddress.values()];
}

function readEndpoint(given: unknown, index: number): Endpoint {
  const endpoint = (typeof given === "string" ? { address: given } : given) as Endpoint;
  const wrong = (what: string): TypeError => new TypeError(`endpoint ${index}: ${what}`);
  if (typeof endpoint !== "object" || endpoint === null) throw wrong(`${shown(given)} is none`);
  const { address, weight, priority } = endpoint;
  if (typeof address !== "string" || address === "" || address.length > 1_000 || /\p{Cc}/u.test(address)) {
    throw wrong(`${shown(address)} is no address`);
  }
  if (weight !== undefined && !(typeof weight === "number" && weight > 0 && weight <= maxWeight)) {
    throw wrong(`the weight of ${address} must be positive and at most ${maxWeight}, not ${shown(weight)}`);
  }
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0)) {
    throw wrong(`the priority of ${address} must be 0, 1, 2, …, not ${shown(priority)}`);
  }
  return endpoint;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
