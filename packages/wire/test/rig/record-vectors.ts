/**
 * Writes vectors/conversations.json anew: `node test/rig/record-vectors.ts`. Only when the protocol changes, and then the
 * difference is read by a person.
 */
import { writeFileSync } from "node:fs";
import {
  conversations,
  goldenClient,
  goldenServer,
  monologues,
  singleFrames,
  withStoppedClock,
} from "./conversations.ts";
import { decode, decodeAll, encode, preface } from "./frame-text.ts";
import { Link } from "./pair.ts";
import { clientHello, RawPeer } from "./raw-peer.ts";
import { turns, until } from "./until.ts";
import type { Step, Vectors } from "./vectors.ts";

function step(from: Step["from"], bytes: Uint8Array, isFirst: boolean): Step {
  return { from, hex: Buffer.from(bytes).toString("hex"), frames: decodeAll(isFirst ? bytes.subarray(8) : bytes) };
}

const vectors: Vectors = { frames: [], conversations: [], monologues: [] };

for (const frame of singleFrames) {
  const bytes = encode(frame);
  vectors.frames.push({
    hex: Buffer.from(bytes).toString("hex"),
    frame: decode(bytes[3] as number, bytes.subarray(4)),
  });
}

for (const { name, layout = false, play, result } of conversations) {
  await withStoppedClock(async () => {
    const link = new Link();
    const golden = await goldenServer(link.listener, layout);
    const written: { from: Step["from"]; bytes: Uint8Array }[] = [];
    const { connect } = link;
    link.connect = () => {
      const client = connect.call(link);
      for (const [from, end] of [
        ["client", client],
        ["server", client.other],
      ] as const) {
        const write = end.write.bind(end);
        end.write = (chunk) => {
          const last = written.at(-1);
          if (last?.from === from) last.bytes = Buffer.concat([last.bytes, chunk]);
          else written.push({ from, bytes: Uint8Array.from(chunk) });
          return write(chunk);
        };
      }
      return client;
    };
    const { transport, client } = goldenClient(link.connector, layout);
    const drain = (): void => {
      void golden.listening.drain();
      golden.release();
    };
    const got = await play({ client, drain, hangs: () => until(() => golden.hanging() === 1, "it hangs") });
    if (JSON.stringify(got) !== JSON.stringify(result)) throw new Error(`${name}: ${JSON.stringify(got)}`);
    await turns();
    const steps = written.map(({ from, bytes }, i) =>
      step(from, bytes, written.findIndex((one) => one.from === from) === i),
    );
    vectors.conversations.push({ name, steps });
    await transport.close();
    await golden.server.close({ graceMs: 0 });
  });
}

for (const { name, frames } of monologues) {
  const link = new Link();
  const { server } = await goldenServer(link.listener, false);
  const bytes = Buffer.concat([Buffer.from(preface, "hex"), ...[clientHello, ...frames].map(encode)]);
  const peer = new RawPeer(link.connect()).raw(bytes);
  await turns();
  vectors.monologues.push({ name, steps: [step("client", bytes, true), step("server", peer.bytes, true)] });
  peer.connection.destroy();
  await server.close({ graceMs: 0 });
}

writeFileSync(
  new URL("../../vectors/conversations.json", import.meta.url),
  `${JSON.stringify(vectors, undefined, 2)}\n`,
);
