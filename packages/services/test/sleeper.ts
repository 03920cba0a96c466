import { type CallContext, service, type, unary } from "@farcall/core";

/** Calls that last until `wake`. */
export const Sleeper = service("test.v1.Sleeper", {
  sleep: unary({ input: type<undefined>(), output: type<string>() }),
  wake: unary({ input: type<undefined>(), output: type<number>() }),
});

export function sleeper() {
  const asleep = new Set<(text: string) => void>();
  return {
    sleep: (_: undefined, { signal }: CallContext) =>
      new Promise<string>((resolve, reject) => {
        asleep.add(resolve);
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
    wake() {
      for (const one of asleep) one("slept");
      return asleep.size;
    },
  };
}
