import { describe, expect, test } from "vitest";
import { defaultLimits, limitsWith, statusFromNumber, statusNumbers } from "../src/index.ts";

describe("status codes", () => {
  test("are gRPC's, names and numbers", () => {
    expect(Object.entries(statusNumbers)).toEqual([
      ["OK", 0],
      ["CANCELLED", 1],
      ["UNKNOWN", 2],
      ["INVALID_ARGUMENT", 3],
      ["DEADLINE_EXCEEDED", 4],
      ["NOT_FOUND", 5],
      ["ALREADY_EXISTS", 6],
      ["PERMISSION_DENIED", 7],
      ["RESOURCE_EXHAUSTED", 8],
      ["FAILED_PRECONDITION", 9],
      ["ABORTED", 10],
      ["OUT_OF_RANGE", 11],
      ["UNIMPLEMENTED", 12],
      ["INTERNAL", 13],
      ["UNAVAILABLE", 14],
      ["DATA_LOSS", 15],
      ["UNAUTHENTICATED", 16],
    ]);
  });

  test("are found by number, and a number that nobody named is UNKNOWN", () => {
    for (const [name, number] of Object.entries(statusNumbers)) expect(statusFromNumber(number)).toBe(name);
    for (const number of [-1, 17, 0.5, NaN, 2 ** 40]) expect(statusFromNumber(number)).toBe("UNKNOWN");
  });
});

describe("limits", () => {
  test("have defaults that single ones replace", () => {
    expect(limitsWith()).toEqual(defaultLimits);
    expect(limitsWith({ maxCalls: 5 })).toEqual({ ...defaultLimits, maxCalls: 5 });
    expect(limitsWith({ maxCalls: Infinity }).maxCalls).toBe(Infinity);
  });

  test.each([0, -1, NaN, "5", null])("%j is not a limit", (value) => {
    expect(() => limitsWith({ maxCalls: value as number })).toThrow(/"maxCalls" must be a positive number/);
  });

  test.each(["maxCall", "toString"])("%s is not known", (name) => {
    expect(() => limitsWith({ [name]: 1 })).toThrow(`no limit called "${name}"`);
  });
});
