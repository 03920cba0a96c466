import { clientInterceptor, type Codec, createClient, tcp } from "farcall";
import { Calculator } from "../calculator/contract.ts";
import type { Guide } from "../guide.ts";
import { Recording } from "./contract.ts";
import { explainedCodec } from "./explained-codec.ts";
import { Recorder } from "./recorder.ts";
import { openRelay } from "./relay.ts";
import { timeline } from "./timeline.ts";

const callsBefore = 500;

/** Follows one call through its nine steps: caller, client stub, network, server, handler, and all the way back. */
export async function explainCall(address: string, codec: Codec, guide: Guide): Promise<void> {
  const recorder = new Recorder();
  const stub = clientInterceptor("explain-stub", "trace", {
    start: (call) => recorder.note({ step: 2, where: "client", text: `the stub asks for ${call.method.fullName}` }),
  });
  await using relay = await openRelay(address, (step, bytes) => {
    recorder.note({
      step,
      where: "network",
      text: step === 3 ? "carries the request's frame" : "carries the response's",
      bytes,
    });
  });
  await using transport = tcp(relay.address);
  const calculator = createClient(Calculator, {
    transport,
    codec: explainedCodec(codec, "client", recorder),
    use: [stub],
  });
  const recording = createClient(Recording, { transport, codec });

  // The first calls make the connection, give the method its number there, and warm both processes up.
  for (let i = 0; i < callsBefore; i++) await calculator.add({ a: i, b: 1 });

  guide.headline("One call in nine steps", `after ${callsBefore} others, so that it is warm; a relay shows the bytes`);
  recorder.take();
  recorder.note({ step: 1, where: "caller", text: "calls calculator.add({ a: 19, b: 23 })" });
  const sum = await calculator.add({ a: 19, b: 23 });
  recorder.note({ step: 9, where: "caller", text: "has its answer", value: sum });

  const here = recorder.take();
  const { moments: there } = await recording.take({});
  const moments = [...here, ...there].toSorted((a, b) => a.atUs - b.atUs);
  for (const line of timeline(moments)) guide.line(line);
  guide.expect("the steps", [...new Set(moments.map(({ step }) => step))], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}
