import { beforeEach, expect, test } from "vitest";
import { giveBuffer, noBuffer, takeBuffer } from "../src/buffer-pool.ts";

// What earlier tests have given.
beforeEach(() => {
  for (let i = 0; i < 20; i++) takeBuffer(0);
});

test("a buffer that was given is handed out, and only once", () => {
  const buffer = new Uint8Array(4096);
  giveBuffer(buffer);
  expect([takeBuffer(4096) === buffer, takeBuffer(4096) === buffer]).toEqual([true, false]);
});

test("a buffer is never smaller than was asked for", () => {
  for (const bytes of [0, 1, 1024, 5000, 300_000]) {
    giveBuffer(new Uint8Array(2048));
    expect(takeBuffer(bytes).length).toBeGreaterThanOrEqual(bytes);
  }
});

test("sixteen are kept, and none that is tiny or huge", () => {
  const given = new Set<Uint8Array>(Array.from({ length: 30 }, () => new Uint8Array(1024)));
  for (const buffer of given) giveBuffer(buffer);
  expect(Array.from({ length: 30 }, () => takeBuffer(1)).filter((one) => given.has(one))).toHaveLength(16);
  for (const buffer of [noBuffer, new Uint8Array(1023), new Uint8Array(256 * 1024 + 1)]) {
    giveBuffer(buffer);
    expect(takeBuffer(0) === buffer).toBe(false);
  }
});
