import { vi } from "vitest";

/** Fakes the timers and `performance.now()`: time goes by with `vi.advanceTimersByTimeAsync` alone. */
export function fakeClock(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
}
