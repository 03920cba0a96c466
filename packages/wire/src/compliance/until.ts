/** Lets everything that is due happen, timers and input included. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves when `condition` holds, looked at on every turn; rejects with `what` after 10 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited 10 s in vain: ${what}`);
    await turn();
  }
}

/** Resolves when `value` has stayed the same for fifty turns. */
export async function settled(value: () => unknown): Promise<void> {
  for (let before = value(), same = 0; same < 50; same++) {
    await turn();
    if (value() !== before) [before, same] = [value(), 0];
  }
}

export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
