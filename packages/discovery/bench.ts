// What a call costs more through `balanced` than on the transport beneath: time per call, and the same over TCP.
// `node bench.ts`, alone on the machine.
import { cbor } from "@farcall/codec/cbor";
import {
  type ClientTransport,
  createClient,
  createServer,
  type Method,
  type MethodCodec,
  type OutgoingCall,
  type RequestSink,
  type ResponseSink,
  service,
  type,
  unary,
} from "@farcall/core";
import { tcp, tcpServer } from "@farcall/transport-tcp";
import { balanced, type BalancedOptions, consistentHash, leastLoaded, roundRobin } from "./src/index.ts";

const Echo = service("bench.v1.Echo", { echo: unary({ input: type<number>(), output: type<number>() }) });
const method = Echo.methods.echo as Method;

/** Answers at once, and costs nothing: what remains is the balancer. */
function instant(): ClientTransport {
  class Requests implements RequestSink {
    readonly #responses: ResponseSink;
    constructor(responses: ResponseSink) {
      this.#responses = responses;
    }
    message(value: unknown): boolean {
      this.#responses.message(value);
      this.#responses.end(undefined, undefined);
      return true;
    }
    end(): void {}
    cancel(): void {}
    ready(): void {}
    progress() {
      return { phase: "waiting" as const };
    }
  }
  return {
    address: "instant",
    handle: (_, responses) => new Requests(responses),
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
}

const sink: ResponseSink = { header() {}, message: () => true, end() {}, ready() {} };

function nsPerCall(transport: ClientTransport, calls: number): number {
  const call: OutgoingCall = {
    method,
    codec: undefined as unknown as MethodCodec,
    metadata: undefined,
    deadline: Infinity,
    values: undefined,
    attempt: 1,
    waitForReady: false,
    avoid: undefined,
  };
  const since = process.hrtime.bigint();
  for (let i = 0; i < calls; i++) transport.handle(call, sink).message(i, true);
  return Number(process.hrtime.bigint() - since) / calls;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

async function overhead(): Promise<void> {
  const hosts = ["a", "b", "c"];
  const through = (options: Partial<BalancedOptions>) =>
    balanced({ resolver: hosts, connect: instant, health: false, ...options });
  const contenders: Record<string, ClientTransport> = {
    "bare transport": instant(),
    "least-loaded": through({ policy: leastLoaded() }),
    "round-robin": through({ policy: roundRobin() }),
    "consistent-hash": through({ policy: consistentHash({ key: () => "user-1234" }) }),
    "least-loaded, outliers off": through({ outliers: false }),
  };
  const rounds: Record<string, number[]> = {};
  for (const transport of Object.values(contenders)) {
    nsPerCall(transport, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    nsPerCall(transport, 300_000);
  }
  for (let round = 0; round < 7; round++) {
    for (const [name, transport] of Object.entries(contenders))
      (rounds[name] ??= []).push(nsPerCall(transport, 1_000_000));
  }
  for (const [name, values] of Object.entries(rounds))
    console.log(`${name.padEnd(28)} ${median(values).toFixed(1)} ns/call`);
  await Promise.all(Object.values(contenders).map((one) => one.close()));
}

async function overTcp(): Promise<void> {
  const server = createServer({ codecs: [cbor()] }).add(Echo, { echo: (value) => value });
  const { address } = await server.listen(tcpServer({ port: 0 }));
  const contenders: Record<string, ClientTransport> = {
    tcp: tcp(address),
    "balanced over one tcp": balanced({ resolver: [address], connect: (one) => tcp(one.address) }),
  };
  const rounds: Record<string, number[]> = {};
  const run = async (transport: ClientTransport, calls: number): Promise<number> => {
    const { echo } = createClient(Echo, { transport, codec: cbor() });
    const before = process.cpuUsage();
    let left = calls;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (left-- > 0) await echo(left);
      }),
    );
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  };
  for (const transport of Object.values(contenders)) await run(transport, 100_000);
  for (let round = 0; round < 9; round++) {
    const inTurn = Object.entries(contenders);
    for (const [name, transport] of round % 2 === 0 ? inTurn : inTurn.toReversed())
      (rounds[name] ??= []).push(await run(transport, 100_000));
  }
  for (const [name, values] of Object.entries(rounds)) {
    console.log(
      `${name.padEnd(28)} ${median(values).toFixed(2)} µs of CPU/call, 64 in flight, both ends in this process`,
    );
  }
  for (const transport of Object.values(contenders)) await transport.close();
  await server.close({ graceMs: 0 });
}

// First, before the code has seen any other transport.
await overTcp();
await overhead();
