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

  // Enough of a message for its whole to be allocated.
  const earnest = digits(16_384);

  test("is nothing until a good part of them has come", () => {
    const ahead = { allowance: 100_000 };
    const call = new Receiver(ahead);
    call.sized(90_000, digits(16_383));
    expect(ahead.allowance).toBe(100_000);
    call.part(digits(60_000));
    expect(ahead.allowance).toBe(10_000);
    call.end();
    expect(ahead.allowance).toBe(100_000);
  });

  test("is free again when they are whole", () => {
    const ahead = { allowance: 100_000 };
    const call = new Receiver(ahead);
    for (let i = 1; i < 10; i++) {
      call.sized(90_000, earnest);
      expect(ahead.allowance).toBe(10_000);
      call.part(Buffer.from(" ".repeat(90_000 - 16_384)));
      expect([call.got.length, ahead.allowance]).toEqual([i, 100_000]);
    }
  });

  test("is free again when they are whole and none", () => {
    const ahead = { allowance: 100_000 };
    const call = new Receiver(ahead);
    call.sized(90_000, earnest);
    call.part(Buffer.from("}".repeat(90_000 - 16_384)));
    expect([call.refused?.code, ahead.allowance]).toEqual(["INTERNAL", 100_000]);
  });

  test("is free again when their calls end in the middle", () => {
    const ahead = { allowance: 100_000 };
    const calls = Array.from({ length: 3 }, () => new Receiver(ahead));
    for (const call of calls) call.sized(30_000, earnest);
    expect(ahead.allowance).toBe(10_000);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(100_000);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(100_000);
  });

  test("is not touched by those that are refused for their size, nor by those that do not fit it", () => {
    const ahead = { allowance: 100_000 };
    const small = new Receiver(ahead, 50_000);
    small.sized(50_001, earnest);
    expect([small.refused?.code, ahead.allowance]).toEqual(["RESOURCE_EXHAUSTED", 100_000]);
    const large = new Receiver(ahead);
    large.sized(100_001, earnest);
    expect(ahead.allowance).toBe(100_000);
    large.part(Buffer.from(" ".repeat(100_001 - 16_384)));
    expect([large.got.length, ahead.allowance]).toEqual([1, 100_000]);
  });

  test("is bounded for a connection, however many of its calls promise however much", () => {
    const before = process.memoryUsage().arrayBuffers;
    const ahead = { allowance: 32 * mebibyte };
    const calls = Array.from({ length: 2_000 }, () => new Receiver(ahead));
    // 8 GB in all: of the first eight calls a good part comes, of the others little.
    calls.forEach((call, i) => call.sized(4 * mebibyte, i < 8 ? earnest : digits(10)));
    expect(ahead.allowance).toBe(0);
    const after = process.memoryUsage().arrayBuffers;
    expect(after - before).toBeLessThan(32 * mebibyte + calls.length * 1_024);
    for (const call of calls) call.end();
    expect(ahead.allowance).toBe(32 * mebibyte);
  });
});
