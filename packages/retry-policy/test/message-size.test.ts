import fc from "fast-check";
import { expect, test } from "vitest";
import { messageSize } from "../src/message-size.ts";

test("a message's size is about what it holds", () => {
  expect(messageSize("x".repeat(1_000), 1e9)).toBeGreaterThanOrEqual(1_000);
  expect(messageSize("x".repeat(1_000), 1e9)).toBeLessThan(1_100);
  expect(messageSize(new Uint8Array(5_000), 1e9)).toBeLessThan(5_100);
  expect(messageSize({ list: Array.from({ length: 1_000 }, (_, i) => i) }, 1e9)).toBeGreaterThan(8_000);
  expect(messageSize(new Map([["a", "b".repeat(500)]]), 1e9)).toBeGreaterThan(500);
  expect(messageSize(undefined, 1e9)).toBeGreaterThan(0);
});

test("counting ends at the limit, in cycles too", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(messageSize(cycle, 10_000)).toBeGreaterThanOrEqual(10_000);
  expect(
    messageSize(
      Array.from({ length: 1e6 }, () => 1),
      1_000,
    ),
  ).toBeLessThan(1_100);
});

test("it is never less than the strings and bytes of a message, whatever its shape", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`message size: seed ${seed}`);
  fc.assert(
    fc.property(fc.object({ values: [fc.string(), fc.uint8Array(), fc.integer(), fc.constant(null)] }), (message) => {
      let least = 0;
      JSON.stringify(message, (_, value: unknown) => {
        if (value instanceof Uint8Array) return void (least += value.length);
        if (typeof value === "string") least += value.length;
        return value;
      });
      expect(messageSize(message, Infinity)).toBeGreaterThanOrEqual(least);
    }),
    { seed },
  );
});
