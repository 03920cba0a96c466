import type { Policy } from "./policy.ts";

/** The first endpoint of the list that answers gets every call, until it is lost. The others are not connected to. */
export function pickFirst(): Policy {
  return {
    name: "pick-first",
    connect: "one",
    create() {
      let candidates: Parameters<ReturnType<Policy["create"]>["update"]>[0] = [];
      return {
        update: (available) => void (candidates = available),
        pick: (_, skip) => (skip === undefined ? candidates[0] : candidates.find((one) => !skip.has(one))),
      };
    },
  };
}
