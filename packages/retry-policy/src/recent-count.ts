const bucketCount = 10;

/** How many in the last while: a ring of ten buckets. */
export class RecentCount {
  readonly #bucketMs: number;
  readonly #buckets: number[] = Array.from({ length: bucketCount }, () => 0);
  #bucket = 0;
  #bucketEndsAt: number;
  /** How many in the bucket of now. */
  #latest = 0;
  /** How many in the others. */
  #earlier = 0;

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / bucketCount;
    this.#bucketEndsAt = this.#bucketMs;
  }

  /** Counts one. Returns whether a bucket has begun, so that others may look at the total once in a while. */
  add(now: number): boolean {
    const begins = now >= this.#bucketEndsAt;
    if (begins) this.#moveTo(now);
    this.#latest++;
    return begins;
  }

  total(now: number): number {
    if (now >= this.#bucketEndsAt) this.#moveTo(now);
    return this.#earlier + this.#latest;
  }

  #moveTo(now: number): void {
    const bucket = Math.floor(now / this.#bucketMs);
    this.#buckets[this.#bucket % bucketCount] = this.#latest;
    this.#earlier += this.#latest;
    this.#latest = 0;
    // After a long pause every bucket is empty, whichever comes next.
    const steps = Math.min(bucket - this.#bucket, bucketCount);
    for (let i = 1; i <= steps; i++) {
      const slot = (this.#bucket + i) % bucketCount;
      this.#earlier -= this.#buckets[slot] as number;
      this.#buckets[slot] = 0;
    }
    this.#bucket = bucket;
    this.#bucketEndsAt = (bucket + 1) * this.#bucketMs;
  }
}
