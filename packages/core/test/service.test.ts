import { describe, expect, test } from "vitest";
import {
  InvalidMessage,
  failure,
  service,
  serverStream,
  streamsRequests,
  streamsResponses,
  type,
  unary,
} from "../src/index.ts";

const any = { input: type<unknown>(), output: type<unknown>() };

describe("service()", () => {
  test("describes methods by their names, effects and failures", () => {
    const Gone = failure("shop.v1.Gone", { data: type<number>() });
    const Shop = service("shop.v1.Shop", {
      buy: unary({ ...any, effect: "keyed", errors: [Gone], doc: "Buys." }),
      list: serverStream({ ...any, name: "List" }),
    });
    expect(Shop.name).toBe("shop.v1.Shop");
    expect(Shop.methods.buy).toMatchObject({
      kind: "unary",
      fullName: "shop.v1.Shop/buy",
      service: "shop.v1.Shop",
      localName: "buy",
      effect: "keyed",
      errors: [Gone, InvalidMessage],
      doc: "Buys.",
    });
    expect(Shop.methods.list).toMatchObject({
      kind: "serverStream",
      fullName: "shop.v1.Shop/List",
      localName: "list",
      effect: "unsafe",
    });
  });

  test.each(["", "shop v1", "1shop", "shop..v1", ".shop", "shop.", "shop/v1"])("%j is not a service's name", (name) => {
    expect(() => service(name, {})).toThrow(/not a service name/);
  });

  test.each(["add-one", "a.b", "1a", "a/b", ""])("%j is not a method's name", (name) => {
    expect(() => service("a.A", { [name]: unary(any) })).toThrow(`a.A: "${name}" is not a method name`);
    expect(() => service("a.A", { fine: unary({ ...any, name }) })).toThrow("not a method name");
  });

  test("two methods cannot have one name on the wire", () => {
    expect(() => service("a.A", { one: unary(any), two: unary({ ...any, name: "one" }) })).toThrow(
      'two methods named "a.A/one"',
    );
  });

  test.each(["then", "__proto__"])("a stub's property cannot be called %s", (name) => {
    expect(() => service("a.A", { [name]: unary(any) })).toThrow(`cannot be called "${name}"`);
    expect(Object.keys(service("a.A", { other: unary({ ...any, name }) }).methods)).toEqual(["other"]);
  });

  test("an effect that does not exist is named, with those that do", () => {
    expect(() => service("a.A", { m: unary({ ...any, effect: "idempotent" as never }) })).toThrow(
      /a\.A\/m: "idempotent" is not an effect; one of pure, natural, keyed, at-most-once, unsafe is/,
    );
  });

  test("what is not a Standard Schema is named by its side", () => {
    expect(() => service("a.A", { m: unary({ ...any, output: {} as never }) })).toThrow(
      /a\.A\/m: `output` must be a Standard Schema/,
    );
    expect(() => service("a.A", { m: unary({ output: any.output } as never) })).toThrow(/`input` must be/);
  });

  test("kinds say who streams", () => {
    const kinds = ["unary", "serverStream", "clientStream", "bidiStream"] as const;
    expect(kinds.map(streamsRequests)).toEqual([false, false, true, true]);
    expect(kinds.map(streamsResponses)).toEqual([false, true, false, true]);
  });
});
