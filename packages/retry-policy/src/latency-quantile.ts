/** Samples that a quantile is taken from, and after how many it is taken anew. */
const sampleCount = 512;
const refreshEvery = 64;
/** With fewer, a quantile says nothing. */
const minSamples = 64;

/** A quantile of the latest latencies, which is a little behind so that a sample costs next to nothing. */
export class LatencyQuantile {
  readonly #quantile: number;
  #samples = new Float64Array(sampleCount);
  #count = 0;
  #value: number | undefined = undefined;

  constructor(quantile: number) {
    this.#quantile = quantile;
  }

  /** Milliseconds; undefined until there are enough samples. */
  get value(): number | undefined {
    return this.#value;
  }

  add(ms: number): void {
    this.#samples[this.#count++ % sampleCount] = ms;
    if (this.#count % refreshEvery !== 0 || this.#count < minSamples) return;
    const sorted = this.#samples.slice(0, Math.min(this.#count, sampleCount)).toSorted();
    this.#value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * this.#quantile))];
  }
}
