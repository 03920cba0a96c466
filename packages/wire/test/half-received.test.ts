import type { RpcError } from "@farcall/core";
import { describe, expect, test } from "vitest";
import { DataFlag } from "../src/frame.ts";
import { MultiplexedCall } from "../src/multiplexed-call.ts";
import type { Ahead } from "../src/reassembly.ts";
import { json } from "./rig/json-codec.ts";

const codec = json().message({ name: "", schema: undefined as never });
const mebibyte = 1024 * 1024;

/** The receiving half of a call, beside others that share `ahead`. */
class Receiver extends MultiplexedCall {
  readonly got: unknown[] = [];
  refused: RpcError | undefined;
  readonly #maxMessageBytes: number;

  constructor(ahead: Ahead, maxMessageBytes = 64 * mebibyte) {
    const channel = {
      ahead,
      roundTrip: { ms: undefined },
      sender: { drop() {} },
      received() {},
      credit() {},
      hold() {},
    };
    super(channel as never, 0, 0);
    this.#maxMessageBytes = maxMessageBytes;
  }

  sized(total: number, message: Uint8Array): void {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(total);
    this.#receive(DataFlag.sized, Buffer.concat([size, message]));
  }

  part(message: Uint8Array): void {
    this.#receive(DataFlag.part, message);
  }

  end(): void {
    this.discard();
  }

  sendingCaughtUp(): void {}

  protected deliver(value: unknown): boolean {
    this.got.push(value);
    return true;
  }

  protected refuse(error: RpcError): void {
    this.refused = error;
    this.discard();
  }

  #receive(flags: number, bytes: Uint8Array): void {
    this.receive(codec, flags, bytes, 0, bytes.length, this.#maxMessageBytes);
  }
}

describe("what messages take before they have come", () => {
  const digits = (length: number): Uint8Array => new Uint8Array(length).fill(0x31);

  test("is free again when they are whole", () => {
    const ahead = { allowance: 1_000 };
    const call = new Receiver(ahead);
    for (let i = 1; i < 10; i++) {
      call.sized(900, digits(1));
      expect(ahead.allowance).toBe(100);
      call.part(Buffer.from(" ".repeat(899)));
      expect([call.got.length, ahead.allowance]).toEqual([i, 1_000]);
    }
  });

  test("is free again when they are whole and none", () => {
    const ahead = { allowance: 1_000 };
    const call = new Receiver(ahead);
    call.sized(900, digits(1));
    call.part(Buffer.from("}".repeat(899)));
    expect([call.refused?.code, ahead.allowance]).toEqual(["INTERNAL", 1_000]);
  });

  test("is free again when their calls end in the middle", () => {
    const ahead = { allowance: 1_000 };
    const calls = Array.from({ length: 3 }, () => new Receiver(ahead));
    for (const call of calls) call.sized(300, digits(10));
    expect(ahead.allowance).toBe(100);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(1_000);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(1_000);
  });

  test("is not touched by those that are refused for their size, nor by those that do not fit it", () => {
    const ahead = { allowance: 1_000 };
    const small = new Receiver(ahead, 500);
    small.sized(501, digits(1));
    expect([small.refused?.code, ahead.allowance]).toEqual(["RESOURCE_EXHAUSTED", 1_000]);
    const large = new Receiver(ahead);
    large.sized(1_001, digits(1));
    expect(ahead.allowance).toBe(1_000);
    large.part(Buffer.from(" ".repeat(1_000)));
    expect([large.got.length, ahead.allowance]).toEqual([1, 1_000]);
  });

  test("is bounded for a connection, however many of its calls promise however much", () => {
    const before = process.memoryUsage().arrayBuffers;
    const ahead = { allowance: 32 * mebibyte };
    const calls = Array.from({ length: 2_000 }, () => new Receiver(ahead));
    // 8 GB in all, of which 20 kB come.
    for (const call of calls) call.sized(4 * mebibyte, digits(10));
    expect(ahead.allowance).toBe(0);
    const after = process.memoryUsage().arrayBuffers;
    expect(after - before).toBeLessThan(32 * mebibyte + calls.length * 8_192);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(32 * mebibyte);
  });
});
