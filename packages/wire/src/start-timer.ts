const longestTimerMs = 2 ** 31 - 1;

/** `setTimeout` for any time: beyond 24 days it would fire at once, so such a timer fires then. */
export function startTimer(callback: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(callback, Math.min(ms, longestTimerMs));
}
