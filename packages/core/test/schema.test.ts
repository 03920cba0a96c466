import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Schema, type, validate, ValidationFailure } from "../src/index.ts";
import { rejection } from "./waits.ts";

function schemaOf<T>(check: Schema<T>["~standard"]["validate"]): Schema<T> {
  return { "~standard": { version: 1, vendor: "test", validate: check } };
}

describe("validate", () => {
  test("gives a schema's output at once when the validator does", () => {
    expect(validate(z.object({ a: z.string().transform(Number) }), { a: "5" })).toEqual({ a: 5 });
    expect(
      validate(
        schemaOf((value) => ({ value: value as number })),
        7,
      ),
    ).toBe(7);
  });

  test("waits only for validators that are asynchronous", async () => {
    const result = validate(
      schemaOf(async (value) => ({ value: `${value as string}!` })),
      "a",
    );
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toBe("a!");
    expect(
      await validate(
        z.string().refine(async (text) => text === "a"),
        "a",
      ),
    ).toBe("a");
  });

  test("takes promises of other libraries for what they are", async () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const thenable = { then: (done: (result: { value: unknown }) => void) => done({ value: 3 }) };
    expect(
      await validate(
        schemaOf(() => thenable as never),
        1,
      ),
    ).toBe(3);
  });

  test("throws every issue with its place", async () => {
    const error = (() => {
      try {
        return validate(z.object({ items: z.array(z.object({ price: z.number() })) }), { items: [{ price: "x" }] });
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ValidationFailure);
    expect((error as ValidationFailure).issues).toEqual([{ path: "items.0.price", message: expect.any(String) }]);
    expect((error as ValidationFailure).message).toMatch(/^items\.0\.price: /);
    const own = schemaOf(async () => ({
      issues: [{ message: "bad" }, { message: "worse", path: [{ key: "a" }, Symbol.iterator] }],
    }));
    expect(((await rejection(validate(own, 1) as Promise<unknown>)) as Error).message).toBe(
      "bad; a.Symbol(Symbol.iterator): worse",
    );
  });

  test("twenty issues are enough", async () => {
    const many = schemaOf(() => ({ issues: Array.from({ length: 100 }, (_, i) => ({ message: `issue ${i}` })) }));
    const error = await rejection(Promise.resolve().then(() => validate(many, 1)));
    expect((error as ValidationFailure).issues).toHaveLength(20);
    expect((error as ValidationFailure).message).not.toContain("issue 20");
  });

  test("type<T>() lets everything through", () => {
    const value = { any: "thing" };
    expect(validate(type<number>(), value)).toBe(value);
    expect(validate(type<void>(), undefined)).toBeUndefined();
  });
});
