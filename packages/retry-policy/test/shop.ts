import {
  bidiStream,
  clientStream,
  type Handlers,
  type RpcError,
  serverStream,
  service,
  type,
  unary,
} from "@farcall/core";

export const Shop = service("shop.v1.Shop", {
  read: unary({ input: type<string>(), output: type<string>(), effect: "pure" }),
  order: unary({ input: type<string>(), output: type<string>() }),
  list: serverStream({ input: type<number>(), output: type<number>(), effect: "pure" }),
  sum: clientStream({ input: type<number>(), output: type<number>(), effect: "natural" }),
  talk: bidiStream({ input: type<string>(), output: type<string>(), effect: "natural" }),
});

/** A server that does what it is asked. */
export function goodShop(name: string): Handlers<typeof Shop> {
  return {
    read: (key) => `${key} from ${name}`,
    order: (item) => `${item} from ${name}`,
    async *list(n) {
      for (let i = 1; i <= n; i++) yield i;
    },
    async sum(requests) {
      let sum = 0;
      for await (const one of requests) sum += one;
      return sum;
    },
    async *talk(requests) {
      for await (const one of requests) yield `${name}: ${one}`;
    },
  };
}

/** A server whose every method fails, streams of requests after having read some of them. */
export function failingShop(fail: () => RpcError): Handlers<typeof Shop> {
  return {
    read: () => {
      throw fail();
    },
    order: () => {
      throw fail();
    },
    // oxlint-disable-next-line require-yield
    async *list() {
      throw fail();
    },
    async sum(requests) {
      let read = 0;
      for await (const _ of requests) if (++read === 3) break;
      throw fail();
    },
    // oxlint-disable-next-line require-yield
    async *talk(requests) {
      for await (const _ of requests) break;
      throw fail();
    },
  };
}
