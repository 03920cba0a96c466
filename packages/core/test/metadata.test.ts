import { describe, expect, test } from "vitest";
import { Metadata } from "../src/index.ts";

const bytes = new Uint8Array([0, 255]);

describe("metadata", () => {
  test("keys are case-insensitive and values keep their order", () => {
    const metadata = new Metadata({ "X-Trace": "1" }).append("x-trace", "2");
    expect(metadata.get("X-TRACE")).toBe("1");
    expect(metadata.getAll("x-trace")).toEqual(["1", "2"]);
    expect([...metadata]).toEqual([
      ["x-trace", "1"],
      ["x-trace", "2"],
    ]);
    expect(metadata.size).toBe(2);
  });

  test("is made from records, pairs, lists of values and other metadata, and is then its own", () => {
    const first = new Metadata({ a: ["1", "2"], b: undefined, "c-bin": bytes });
    const copy = new Metadata(first).set("a", "3");
    expect([...first]).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["c-bin", bytes],
    ]);
    expect(copy.getAll("a")).toEqual(["3"]);
    expect([...new Metadata([["a", "1"]])]).toEqual([["a", "1"]]);
    expect(new Metadata().size).toBe(0);
  });

  test("set replaces, delete says whether there was something", () => {
    const metadata = new Metadata({ a: ["1", "2"] }).set("A", "3");
    expect([...metadata]).toEqual([["a", "3"]]);
    expect(metadata.delete("A")).toBe(true);
    expect(metadata.delete("a")).toBe(false);
    expect(metadata.has("a")).toBe(false);
    expect(metadata.get("a")).toBeUndefined();
  });

  test.each(["", "ä", "a b", "a:b", "a/b", "\n"])("key %j is refused", (key) => {
    expect(() => new Metadata().set(key, "v")).toThrow(/metadata key/);
  });

  test.each(["a\nb", "ä", "\u007f", "tab\t"])("text %j is refused and says how to send it", (value) => {
    expect(() => new Metadata().set("k", value)).toThrow(/"k-bin"/);
  });

  test("bytes belong under keys that end in -bin, and only there", () => {
    expect(() => new Metadata().set("k", bytes)).toThrow(/name it "k-bin"/);
    expect(() => new Metadata().set("k-BIN", "text")).toThrow(/must be a Uint8Array/);
    expect(() => new Metadata({ n: 1 as never })).toThrow(/must be a string/);
    expect(new Metadata({ "k-bin": bytes }).get("k-bin")).toEqual(bytes);
    expect(new Metadata({ empty: "" }).has("empty")).toBe(true);
  });

  test("is printed whatever the peer called its keys", () => {
    const metadata = new Metadata([
      ["__proto__", "x"],
      ["a-bin", bytes],
    ]);
    expect(JSON.stringify(metadata)).toBe('{"__proto__":["x"],"a-bin":[[0,255]]}');
  });
});
