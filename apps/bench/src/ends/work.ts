import type { BenchClient } from "../contender.ts";
import { makeOrder, type Order, sameOrder } from "../order.ts";
import type { Lane } from "./load.ts";
import { WrongReply } from "./wrong-reply.ts";

/** What a client is kept busy with. */
export type Work =
  | { readonly kind: "add"; readonly inFlight: number }
  | { readonly kind: "order"; readonly inFlight: number }
  | { readonly kind: "echo"; readonly inFlight: number; readonly bytes: number }
  /** One server stream of `messages` after the other. */
  | { readonly kind: "iterate" | "push"; readonly messages: number };

/** The lanes of a load, over all of `clients` in turn; undefined when the contender cannot do it. */
export function lanesOf(work: Work, clients: readonly BenchClient[]): readonly Lane[] | undefined {
  const lanes = Array.from({ length: "inFlight" in work ? work.inFlight : 1 }, (_, lane) => {
    const client = clients[lane % clients.length] as BenchClient;
    switch (work.kind) {
      case "add":
        return addLane(client, lane);
      case "order":
        return client.order && orderLane(client as Having<"order">, lane);
      case "echo":
        return client.echo && echoLane(client as Having<"echo">, lane, work.bytes);
      case "iterate":
        return client.iterate && streamLane(client.iterate.bind(client), work.messages);
      case "push":
        return client.push && streamLane(client.push.bind(client), work.messages);
    }
  });
  return lanes.every((lane) => lane !== undefined) ? lanes : undefined;
}

type Having<K extends keyof BenchClient> = BenchClient & Required<Pick<BenchClient, K>>;

/** Sums that differ from call to call and from lane to lane. */
function addLane(client: BenchClient, lane: number): Lane {
  const b = lane * 1_000_003;
  let a = 0;
  return {
    start(done, failed) {
      a = (a + 1) & 0xf_ffff;
      client.add(a, b).then((total) => {
        if (total === a + b) done();
        else failed(new WrongReply(`add(${a}, ${b}) gave ${String(total)}`));
      }, failed);
    },
  };
}

// Made before the clock starts, and shared: making an order costs more than some contenders need to send it.
let orders: Order[] | undefined;

/** Each reply is told by its id, total and last line; some are compared as a whole. */
function orderLane(client: Having<"order">, lane: number): Lane {
  const pool = (orders ??= Array.from({ length: 1_021 }, (_, i) => makeOrder(i)));
  let i = lane;
  let calls = 0;
  return {
    start(done, failed) {
      i = (i + 1) % pool.length;
      const sent = pool[i] as Order;
      client.order(sent).then((got) => {
        if (calls++ % 64 === 0 ? sameOrder(got, sent) : looksLike(got, sent)) done();
        else failed(new WrongReply(`order ${sent.id} came back as ${JSON.stringify(got)}`));
      }, failed);
    },
  };
}

function looksLike(got: Order, sent: Order): boolean {
  return (
    got.id === sent.id &&
    got.total === sent.total &&
    got.items.length === sent.items.length &&
    got.items.at(-1)?.price === sent.items.at(-1)?.price
  );
}

/** Each reply is looked at in a thousand places; some are compared as a whole. */
function echoLane(client: Having<"echo">, lane: number, bytes: number): Lane {
  const sent = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) sent[i] = (i * 31 + (i >> 8) + lane * 7) & 0xff;
  const stride = Math.max(1, bytes >> 10) | 1;
  let calls = 0;
  return {
    start(done, failed) {
      const mark = calls++ & 0xff;
      sent[0] = mark;
      client.echo(sent).then((got) => {
        let same = got.length === bytes && got[0] === mark && got[bytes - 1] === sent[bytes - 1];
        for (let i = 0; same && i < bytes; i += stride) same = got[i] === sent[i];
        if (same && mark % 16 === 1) same = Buffer.compare(got, sent) === 0;
        if (same) done();
        else failed(new WrongReply(`other bytes than the ${bytes} that were sent came back, ${got.length} of them`));
      }, failed);
    },
  };
}

function streamLane(read: (count: number) => Promise<number>, messages: number): Lane {
  return {
    start(done, failed) {
      read(messages).then((seen) => {
        if (seen === messages) done();
        else failed(new WrongReply(`of a stream of ${messages} messages came ${seen} in their order`));
      }, failed);
    },
  };
}
