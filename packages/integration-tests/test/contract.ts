import {
  bidiStream,
  type CallContext,
  clientStream,
  failure,
  type Handlers,
  RpcError,
  serverStream,
  service,
  type,
  unary,
} from "@farcall/core";
import { z } from "zod";

export const OutOfStock = failure("shop.v1.OutOfStock", { data: z.object({ left: z.int(), since: z.date() }) });

export const Shop = service("shop.v1.Shop", {
  echo: unary({ input: type<unknown>(), output: type<unknown>() }),
  order: unary({
    input: z.object({ item: z.string().min(1), count: z.int().positive(), at: z.date() }),
    output: z.object({ id: z.string(), total: z.bigint(), at: z.date() }),
    errors: [OutOfStock],
  }),
  wait: unary({ input: type<string>(), output: type<string>() }),
  watch: serverStream({
    input: z.object({ from: z.int(), to: z.int() }),
    output: z.object({ n: z.int() }),
    errors: [OutOfStock],
  }),
  endless: serverStream({ input: type<number>(), output: type<string>() }),
  sum: clientStream({ input: z.object({ n: z.int() }), output: z.object({ sum: z.int(), count: z.int() }) }),
  talk: bidiStream({ input: z.string(), output: z.string() }),
});

/** What happened in the handlers. */
export class ShopLog {
  began = 0;
  /** Codes that signals aborted with. */
  readonly aborted: string[] = [];
  /** Generators whose `finally` ran. */
  finished = 0;
}

export function shop(log: ShopLog = new ShopLog()): Handlers<typeof Shop> {
  const watch = ({ signal }: CallContext): void => {
    log.began++;
    signal.addEventListener("abort", () => log.aborted.push((signal.reason as RpcError).code));
  };
  return {
    echo: (value) => value,
    order({ item, count, at }) {
      if (item === "bug") throw new Error("the database password is 1234");
      if (item === "denied") throw new RpcError("PERMISSION_DENIED", "not you");
      if (count > 100) throw OutOfStock({ left: 100, since: new Date(0) });
      return { id: `${item}-1`, total: 2n ** 60n + BigInt(count), at };
    },
    wait(_, context) {
      watch(context);
      return new Promise(() => {});
    },
    *watch({ from, to }) {
      for (let n = from; n < to; n++) {
        if (n === 13) throw OutOfStock({ left: 13, since: new Date(13) });
        yield { n };
      }
    },
    async *endless(size, context) {
      watch(context);
      try {
        for (;;) yield "x".repeat(size);
      } finally {
        log.finished++;
      }
    },
    async sum(requests) {
      let [sum, count] = [0, 0];
      await requests.forEach(({ n }) => {
        sum += n;
        count++;
      });
      return { sum, count };
    },
    async *talk(requests) {
      for await (const one of requests) yield one.toUpperCase();
    },
  };
}
