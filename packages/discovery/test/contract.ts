import {
  type CallContext,
  type ErrorCode,
  type Handlers,
  RpcError,
  serverStream,
  service,
  type,
  unary,
} from "@farcall/core";

/** Calls that tell who answers, wait, or fail as they are told. */
export const Who = service("test.v1.Who", {
  name: unary({ input: type<undefined>(), output: type<string>() }),
  hold: unary({ input: type<undefined>(), output: type<string>() }),
  fail: unary({ input: type<ErrorCode>(), output: type<string>() }),
  ticks: serverStream({ input: type<undefined>(), output: type<number>() }),
});

export interface Behaviour {
  /** What calls of `name` fail with. */
  failing: ErrorCode | undefined;
  calls: number;
  /** Lets go of the calls that are held. */
  release(): void;
  readonly held: number;
}

export function who(name: string): { handlers: Handlers<typeof Who>; behaviour: Behaviour } {
  const held = new Set<() => void>();
  const behaviour: Behaviour = {
    failing: undefined,
    calls: 0,
    release() {
      for (const one of held) one();
    },
    get held() {
      return held.size;
    },
  };
  const hold = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        held.delete(done);
        resolve();
      };
      held.add(done);
      signal.addEventListener("abort", done);
    });
  return {
    behaviour,
    handlers: {
      name() {
        behaviour.calls++;
        if (behaviour.failing !== undefined) throw new RpcError(behaviour.failing, "as it was told");
        return name;
      },
      async hold(_: undefined, { signal }: CallContext) {
        await hold(signal);
        return name;
      },
      fail(code) {
        throw new RpcError(code, "as it was told");
      },
      async *ticks(_: undefined, { signal }: CallContext) {
        for (let i = 0; !signal.aborted; i++) {
          yield i;
          await hold(signal);
        }
      },
    },
  };
}
