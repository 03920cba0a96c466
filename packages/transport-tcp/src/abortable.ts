/** What `promise` brings, or the signal's reason as soon as it aborts. The promise is left to itself then. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    const done = (): void => signal.removeEventListener("abort", aborted);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted);
    promise.finally(done).then(resolve, reject);
  });
}
