import { setTimeout as sleep } from "node:timers/promises";
import { type Handlers, RpcError, service, type, unary } from "farcall";

/** Calls that may be sent again, and others that may not. */
export const Depot = service("test.v1.Depot", {
  where: unary({ input: type<undefined>(), output: type<string>(), effect: "pure" }),
  ship: unary({ input: type<number>(), output: type<string>() }),
  hold: unary({ input: type<undefined>(), output: type<string>() }),
  broken: unary({ input: type<undefined>(), output: type<string>(), effect: "pure" }),
});

/** Each handler answers with the depot's name, after a moment in which other calls come. */
export function depot(
  name: string,
  shipped: (parcel: number) => void,
  holding: (name: string) => void = () => {},
): Handlers<typeof Depot> {
  return {
    async where() {
      await sleep(2);
      return name;
    },
    async ship(parcel) {
      shipped(parcel);
      await sleep(2);
      return name;
    },
    /** Until the caller gives up. */
    hold: (_: undefined, { signal }) =>
      new Promise((resolve) => {
        holding(name);
        signal.addEventListener("abort", () => resolve(name));
      }),
    broken() {
      throw new RpcError("UNAVAILABLE", `${name} is broken`);
    },
  };
}
