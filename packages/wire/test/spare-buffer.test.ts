import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SpareBuffer } from "../src/spare-buffer.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  const timers = vi.getTimerCount();
  vi.useRealTimers();
  if (timers > 0) throw new Error(`${timers} timers are left`);
});

/** Does `spare` hand out the memory of `buffer` for so many bytes? */
const reuses = (spare: SpareBuffer, buffer: Uint8Array, bytes: number): boolean => {
  const taken = spare.take(bytes);
  expect(taken.length).toBeGreaterThanOrEqual(bytes);
  return taken.buffer === buffer.buffer;
};

test("memory that was given is handed out, and only once", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  spare.give(large);
  expect(reuses(spare, large, mebibyte)).toBe(true);
  expect(reuses(spare, large, mebibyte)).toBe(false);
  spare.clear();
});

test("a part of memory stands for all of it", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  spare.give(large.subarray(1000, 2000));
  const taken = spare.take(mebibyte);
  expect([taken.buffer === large.buffer, taken.byteOffset, taken.length]).toEqual([true, 0, mebibyte]);
  spare.clear();
});

test("what is too small for a message is not handed out for it, and stays", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(100 * kibibyte);
  spare.give(large);
  expect(reuses(spare, large, 100 * kibibyte + 1)).toBe(false);
  expect(reuses(spare, large, 100 * kibibyte)).toBe(true);
  spare.clear();
});

test("small messages do not take large memory", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  spare.give(large);
  expect(reuses(spare, large, 64 * kibibyte - 1)).toBe(false);
  expect(reuses(spare, large, 10)).toBe(false);
  expect(reuses(spare, large, mebibyte / 4 - 1)).toBe(false);
  expect(reuses(spare, large, mebibyte / 4)).toBe(true);
  spare.clear();
});

test("neither small memory nor more than 32 MiB is kept", () => {
  const spare = new SpareBuffer();
  for (const bytes of [64 * kibibyte - 1, 32 * mebibyte + 1]) {
    const buffer = new Uint8Array(bytes);
    spare.give(buffer);
    expect([bytes, reuses(spare, buffer, 64 * kibibyte)]).toEqual([bytes, false]);
    expect(vi.getTimerCount()).toBe(0);
  }
  const most = new Uint8Array(32 * mebibyte);
  spare.give(most);
  expect(reuses(spare, most, 32 * mebibyte)).toBe(true);
  spare.clear();
});

test("several are kept, 32 MiB together: the oldest go first", () => {
  const spare = new SpareBuffer();
  const buffers = [10, 10, 10, 10].map((mebibytes) => new Uint8Array(mebibytes * mebibyte));
  for (const buffer of buffers) spare.give(buffer);
  for (const buffer of buffers.slice(1).reverse()) expect(reuses(spare, buffer, 10 * mebibyte)).toBe(true);
  expect(reuses(spare, buffers[0]!, 10 * mebibyte)).toBe(false);
  spare.clear();
});

test("what nobody uses for two seconds is let go, with its timer", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  spare.give(large);
  vi.advanceTimersByTime(1_999);
  expect(reuses(spare, large, mebibyte)).toBe(true);
  spare.give(large);
  // Used within the first two seconds, so it stays for two more.
  vi.advanceTimersByTime(2_000);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(2_001);
  expect(vi.getTimerCount()).toBe(0);
  expect(reuses(spare, large, mebibyte)).toBe(false);
});

test("what is used again and again stays", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  for (let i = 0; i < 20; i++) {
    spare.give(large);
    vi.advanceTimersByTime(1_500);
    expect([i, reuses(spare, large, mebibyte)]).toEqual([i, true]);
  }
  vi.advanceTimersByTime(5_000);
});

test("after clear it holds nothing", () => {
  const spare = new SpareBuffer();
  const large = new Uint8Array(mebibyte);
  spare.give(large);
  spare.clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(reuses(spare, large, mebibyte)).toBe(false);
});
