/** An iterable that gives what is pushed. */
export interface PushedLists<T> extends AsyncIterable<T> {
  push(list: T): void;
}

export function channelOf<T>(...first: T[]): PushedLists<T> {
  const waiting = [...first];
  let wake: () => void = () => {};
  return {
    push(list) {
      waiting.push(list);
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (waiting.length > 0) yield waiting.shift() as T;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
