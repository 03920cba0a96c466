import { createClient, createServer, RpcError, serverStream, service, type, unary } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { Channel } from "../src/channel.ts";
import { FrameKind } from "../src/frame.ts";
import { wireClient, wireServer } from "../src/index.ts";
import { json } from "./rig/json-codec.ts";
import { Link, pair } from "./rig/pair.ts";
import { clientHello, RawPeer } from "./rig/raw-peer.ts";
import { failure, turns, until } from "./rig/until.ts";

const Odd = service("test.v1.Odd", {
  fail: unary({ input: type<string>(), output: type<unknown>() }),
  list: serverStream({ input: type<string>(), output: type<number>() }),
});

/** A server whose handlers throw an error with this property changed behind its constructor's back. */
async function odd(property: string, value: unknown) {
  const link = new Link();
  const errors: RpcError[] = [];
  const broken = (): RpcError => Object.defineProperty(new RpcError("ABORTED", "x"), property, { value });
  const server = createServer({ codecs: [json()], onError: (error) => errors.push(error) }).add(Odd, {
    fail: () => {
      throw broken();
    },
    async *list() {
      yield 1;
      throw broken();
    },
  });
  await server.listen(wireServer(link.listener));
  const transport = wireClient(link.connector);
  return {
    link,
    errors,
    client: createClient(Odd, { transport, codec: json() }),
    async [Symbol.asyncDispose]() {
      await transport.close();
      await server.close({ graceMs: 0 });
    },
  };
}

describe("what cannot be written has a defined end", () => {
  test("a code that is none is not read as OK", async () => {
    for (const code of ["not_found", "OK", "constructor"]) {
      await using f = await odd("code", code);
      const list = f.client.list("");
      expect(await list.next()).toMatchObject({ value: 1 });
      expect(await failure(list.next() as Promise<unknown>)).toMatchObject({ code: "UNKNOWN" });
    }
  });

  test("a status that cannot be written is another status, and the connection goes on", async () => {
    await using f = await odd("rawMessage", { slice: () => Symbol("x") });
    for (let i = 0; i < 2; i++) {
      const error = await failure(f.client.fail("", { timeoutMs: 2_000 }));
      expect(error).toMatchObject({ code: "UNKNOWN", processed: "yes" });
    }
    expect(f.link.connections).toHaveLength(1);
  });
});

describe("a channel", () => {
  const channel = (hello: () => void) => {
    const ends = pair();
    const closed: RpcError[] = [];
    const one = new Channel(
      ends.server,
      {
        busy: false,
        accepted: 0,
        hello,
        data: () => {},
        frame: () => {},
        goAway: () => {},
        answered: () => {},
        closed: (error) => closed.push(error),
        gone: () => {},
      },
      1024 * 1024,
      { keepAlive: false, maxMetadataBytes: 1024, handshakeTimeoutMs: 1_000, minPingIntervalMs: 0 },
    );
    return { one, closed, peer: new RawPeer(ends.client) };
  };

  test("takes a half-written frame back", async () => {
    const { one, peer } = channel(() => {});
    peer.greet();
    await turns();
    const write = (): void =>
      one.write(FrameKind.goAway, (to) => {
        to.write(Uint8Array.of(1, 2, 3));
        throw new Error("broken");
      });
    expect(write).toThrow("broken");
    one.ping();
    one.close();
    await until(() => peer.closed, "it closes");
    expect(peer.frames.map(({ kind }) => kind)).toEqual(["ping"]);
  });

  test("does not tell the peer what it threw", async () => {
    const secret = new Error("postgres://app:hunter2@db");
    const { closed, peer } = channel(() => {
      throw secret;
    });
    peer.greet(clientHello);
    expect(await peer.ends()).toMatchObject({ code: 13, message: "internal error" });
    expect(closed[0]?.cause).toBe(secret);
  });
});
