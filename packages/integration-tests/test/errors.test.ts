import {
  clientInterceptor,
  InvalidMessage,
  Metadata,
  RpcError,
  serverInterceptor,
  service,
  type,
  unary,
} from "@farcall/core";
import { describe, expect, test } from "vitest";
import { OutOfStock, Shop, shop } from "./contract.ts";
import { codecs, run, stacks } from "./stack.ts";
import { collect, rpcRejection } from "./waits.ts";

const order = { item: "pen", count: 1, at: new Date(0) };

describe.each(stacks)("errors over %s", (_, stack) => {
  test("typed failures cross with their data, also in the middle of a stream", async () => {
    await using running = await run(stack, Shop, shop());
    const error = await rpcRejection(running.client.order({ ...order, count: 101 }));
    expect(error).toMatchObject({ code: "FAILED_PRECONDITION", processed: "yes", remote: true });
    expect(OutOfStock.is(error) && error.data).toEqual({ left: 100, since: new Date(0) });
    const got: number[] = [];
    const broken = await rpcRejection(running.client.watch({ from: 10, to: 20 }).forEach(({ n }) => got.push(n)));
    expect(got).toEqual([10, 11, 12]);
    expect(OutOfStock.is(broken) && broken.data.left).toBe(13);
  });

  test("an exception's text stays on the server", async () => {
    await using running = await run(stack, Shop, shop());
    const error = await rpcRejection(running.client.order({ ...order, item: "bug" }));
    expect(error).toMatchObject({ code: "UNKNOWN", rawMessage: "the handler failed" });
    expect(running.errors.map((one) => (one.cause as Error).message)).toEqual(["the database password is 1234"]);
    expect(await rpcRejection(running.client.order({ ...order, item: "denied" }))).toMatchObject({
      code: "PERMISSION_DENIED",
      rawMessage: "not you",
    });
  });

  test("what the contract forbids is refused with its places", async () => {
    await using running = await run(stack, Shop, shop());
    const error = await rpcRejection(running.client.order({ ...order, item: "", count: -1 }));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", processed: "no" });
    expect(InvalidMessage.is(error) && error.data.issues.map((one) => one.path)).toEqual(["item", "count"]);
    expect((await rpcRejection(running.client.sum([{ n: 1 }, { n: 0.5 }]))).code).toBe("INVALID_ARGUMENT");
    expect((await rpcRejection(collect(running.client.talk([5 as never])))).code).toBe("INVALID_ARGUMENT");
  });

  test("a value that no codec carries ends its call alone", async () => {
    await using running = await run(stack, Shop, shop());
    expect(await rpcRejection(running.client.echo(() => 1))).toMatchObject({ code: "INTERNAL", processed: "no" });
    expect(await running.client.echo(1)).toBe(1);
  });

  test("metadata goes there and back, and through interceptors", async () => {
    await using running = await run(
      stack,
      Shop,
      {
        ...shop(),
        echo(value, context) {
          for (const [key, one] of context.metadata) context.responseTrailer.append(key, one);
          context.responseHeader.set("h", "1");
          return value;
        },
      },
      {
        client: {
          use: [
            clientInterceptor("trace", "trace", {
              start(call) {
                call.metadata = new Metadata(call.metadata).set("trace-bin", new Uint8Array([1, 2]));
              },
            }),
          ],
        },
        server: {
          use: [
            serverInterceptor("double", "handler", {
              response: (message) => (typeof message === "number" ? message * 2 : message),
            }),
          ],
        },
      },
    );
    const heard: unknown[] = [];
    const hear = (metadata: Metadata): void => void heard.push(metadata.toJSON());
    expect(await running.client.echo(21, { metadata: { a: ["1", "2"] }, onHeader: hear, onTrailer: hear })).toBe(42);
    expect(heard).toEqual([{ h: ["1"] }, { a: ["1", "2"], "trace-bin": [[1, 2]] }]);
  });

  test("auth refuses before validation and handler", async () => {
    await using running = await run(stack, Shop, shop(), {
      server: {
        async auth(call) {
          if (call.metadata?.get("token") !== "t") throw new RpcError("UNAUTHENTICATED", "who?");
        },
      },
    });
    expect(await rpcRejection(running.client.order({ ...order, item: "" }))).toMatchObject({
      code: "UNAUTHENTICATED",
      processed: "no",
    });
    expect((await running.client.order(order, { metadata: { token: "t" } })).id).toBe("pen-1");
  });

  test("what is not there is UNIMPLEMENTED and says so", async () => {
    await using running = await run(stack, Shop, shop());
    const Old = service("shop.v1.Shop", { gone: unary({ input: type<number>(), output: type<number>() }) });
    expect(await rpcRejection(running.clientOf(Old).gone(1))).toMatchObject({
      code: "UNIMPLEMENTED",
      processed: "no",
      rawMessage: "there is no method shop.v1.Shop/gone here",
    });
    const foreign = { ...stack.codec, name: "foreign", message: stack.codec.message.bind(stack.codec) };
    expect((await rpcRejection(running.clientOf(Shop, { codec: foreign }).echo(1))).rawMessage).toContain(
      codecs.map((one) => one.name).join(", "),
    );
  });
});
