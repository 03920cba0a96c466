import type { Lane } from "./load.ts";

export interface Latency {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Measures each call of a lane. */
export class LatencyWatch {
  readonly #us: number[] = [];

  watched(lane: Lane): Lane {
    return {
      start: (done, failed) => {
        const start = performance.now();
        lane.start(() => {
          this.#us.push((performance.now() - start) * 1_000);
          done();
        }, failed);
      },
    };
  }

  result(): Latency {
    const sorted = Float64Array.from(this.#us).sort();
    const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
    return { p50Us: at(0.5), p99Us: at(0.99) };
  }
}
