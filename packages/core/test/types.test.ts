import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  bidiStream,
  type CallContext,
  type CallOptions,
  type Client,
  clientStream,
  contextKey,
  failure,
  type Handlers,
  type MessageReader,
  Metadata,
  type Requests,
  RpcError,
  serverStream,
  service,
  type StreamCallOptions,
  type,
  unary,
} from "../src/index.ts";

const length = z.string().transform((text) => text.length);

const Typed = service("test.v1.Typed", {
  one: unary({ input: length, output: length }),
  down: serverStream({ input: length, output: length }),
  up: clientStream({ input: length, output: length }),
  both: bidiStream({ input: length, output: length }),
  none: unary({ input: type<void>(), output: type<void>() }),
  maybe: serverStream({ input: type<{ a: 1 } | undefined>(), output: type<number>() }),
});

describe("a client", () => {
  type C = Client<typeof Typed>;
  test("gives a schema's input and gets its output", () => {
    expectTypeOf<C["one"]>().toEqualTypeOf<(input: string, options?: CallOptions) => Promise<number>>();
    expectTypeOf<C["down"]>().toEqualTypeOf<(input: string, options?: StreamCallOptions) => MessageReader<number>>();
    expectTypeOf<C["up"]>().toEqualTypeOf<(requests: Requests<string>, options?: CallOptions) => Promise<number>>();
    expectTypeOf<C["both"]>().toEqualTypeOf<
      (requests: Requests<string>, options?: StreamCallOptions) => MessageReader<number>
    >();
  });

  test("leaves out what may be undefined", () => {
    expectTypeOf<C["none"]>().toBeCallableWith();
    expectTypeOf<C["maybe"]>().toBeCallableWith();
    expectTypeOf<C["maybe"]>().toBeCallableWith({ a: 1 });
    // @ts-expect-error a string is needed
    expectTypeOf<C["one"]>().toBeCallableWith();
  });

  test("has the contract's methods and no others", () => {
    expectTypeOf<keyof C>().toEqualTypeOf<"one" | "down" | "up" | "both" | "none" | "maybe">();
  });
});

describe("handlers", () => {
  test("get a schema's output and give its input, and know who calls", () => {
    type User = { name: string };
    const handlers: Handlers<typeof Typed, User> = {
      one(input, context) {
        expectTypeOf(input).toEqualTypeOf<number>();
        expectTypeOf(context).toEqualTypeOf<CallContext<User>>();
        return "text";
      },
      *down(input) {
        expectTypeOf(input).toEqualTypeOf<number>();
        yield "text";
      },
      async up(requests) {
        expectTypeOf(requests).toEqualTypeOf<MessageReader<number>>();
        return "text";
      },
      both: {
        push(requests, out, context) {
          expectTypeOf(requests).toEqualTypeOf<MessageReader<number>>();
          expectTypeOf(out.send).parameters.toEqualTypeOf<[message: string]>();
          expectTypeOf(context.principal).toEqualTypeOf<User>();
        },
      },
      none() {},
      // @ts-expect-error messages are numbers
      maybe: () => ["text"],
    };
    expectTypeOf(handlers).toBeObject();
  });
});

describe("failures", () => {
  const Short = failure("test.v1.Short", { data: z.object({ at: length }) });

  test("are made from the schema's input and recognised as its output", () => {
    expectTypeOf(Short).parameter(0).toEqualTypeOf<{ at: string }>();
    const error: unknown = Short({ at: "x" });
    if (Short.is(error)) {
      expectTypeOf(error.data).toEqualTypeOf<{ at: number }>();
      expectTypeOf(error.code).toEqualTypeOf<RpcError["code"]>();
    }
  });
});

describe("small things", () => {
  test("context keys carry their type, and a default removes undefined", () => {
    const context = {} as { get: CallContext["get"] };
    context.get = ((key: { defaultValue: unknown }) => key.defaultValue) as never;
    expectTypeOf(context.get(contextKey<number>("n"))).toEqualTypeOf<number | undefined>();
    expectTypeOf(context.get(contextKey("n", 5))).toEqualTypeOf<number>();
  });

  test("a -bin key's value is bytes", () => {
    const metadata = new Metadata();
    expectTypeOf(metadata.get("trace-bin")).toEqualTypeOf<Uint8Array | undefined>();
    expectTypeOf(metadata.get("trace")).toEqualTypeOf<string | undefined>();
  });

  test("OK is no error", () => {
    // @ts-expect-error OK is not the code of an error
    expect(() => new RpcError("OK")).toThrow(TypeError);
    // @ts-expect-error nor is this
    expect(() => new RpcError("not_found")).toThrow('"not_found" is not the code of an error, such as "NOT_FOUND"');
    // @ts-expect-error an error is a cause, not a message
    expect(() => new RpcError("INTERNAL", new Error())).toThrow("pass errors as `cause`");
    expect(new RpcError("INTERNAL", "", { metadata: { a: "b" } }).metadata.get("a")).toBe("b");
  });
});
