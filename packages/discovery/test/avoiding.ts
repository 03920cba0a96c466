import type { ClientInterceptor } from "@farcall/core";

/** Where calls were tried. */
export interface Tried {
  avoid: readonly string[];
}

/** Does what a retry policy does: says where a call was tried. */
export function avoiding(tried: Tried): ClientInterceptor {
  return {
    name: "avoiding",
    stage: "retry",
    wrap: (next) => (call, responses) => {
      call.avoid = tried.avoid;
      return next(call, responses);
    },
  };
}
