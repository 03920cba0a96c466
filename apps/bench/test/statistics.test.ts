import { expect, test } from "vitest";
import { formatNumber, formatRatio } from "../src/report/format-number.ts";
import { median, spread } from "../src/report/statistics.ts";
import { textTable } from "../src/report/text-table.ts";
import { lastWords } from "../src/run/last-words.ts";
import { coresIn } from "../src/run/pinning.ts";

test("the median is the middle one, or between the two in the middle", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("the spread is the distance of the farthest from the median, as a part of it", () => {
  expect(spread([90, 100, 130])).toBeCloseTo(0.3);
  expect(spread([100, 100])).toBe(0);
});

test.each([
  [598_123, "598,000"],
  [1_234, "1,230"],
  [12.345, "12.3"],
  [1.9, "1.90"],
  [0.0421, "0.0421"],
  [-2_345, "-2,350"],
  [NaN, "–"],
])("%d is written %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test.each([
  [0.4512, "0.45 ×"],
  [1, "1.0 ×"],
  [34.4, "34 ×"],
  [1_520, "1,520 ×"],
  [Infinity, "–"],
])("the ratio %d is written %s", (value, text) => {
  expect(formatRatio(value)).toBe(text);
});

test("a table has its first column on the left and the others on the right", () => {
  expect(
    textTable([
      ["", "calls/s"],
      ["net", "12"],
      ["grpc-js", "3"],
    ]),
  ).toBe("         calls/s\nnet           12\ngrpc-js        3");
});

test("cores are read from the system's list", () => {
  expect(coresIn("0-3,8")).toEqual([0, 1, 2, 3, 8]);
  expect(coresIn("5")).toEqual([5]);
  expect(coresIn("")).toEqual([]);
});

test("of what a dead process printed, the line that names the error is shown, and not all of a long one", () => {
  expect(lastWords("file.ts:3\n  code\n\nTypeError: no\n    at f (x)\n\nNode.js v24\n")).toBe("TypeError: no");
  expect(lastWords("bye\n")).toBe("bye");
  expect(lastWords("")).toBe("it said nothing");
  expect(lastWords(`Error: ${"x".repeat(1_000)}`)).toHaveLength(301);
});
