import { checkFields, checkNumber } from "./check.ts";
import { RecentCount } from "./recent-count.ts";

export interface RetryBudgetOptions {
  /** Tokens that the bucket holds at least, and at the start. Default 10. */
  readonly minTokens?: number;
  /** Tokens that it holds at most, however many calls there are. Default 1,000. */
  readonly maxTokens?: number;
  /** Between the two it holds this share of the calls of the last 10 s. Default 0.1. */
  readonly share?: number;
  /** What each success puts in. Each failure that is worth a retry takes 1 out. Default 0.1. */
  readonly tokensPerSuccess?: number;
  /** Retries per second that are allowed though the bucket is empty. Default 3; 0 for none. */
  readonly floorPerSecond?: number;
}

// Thousandths of a token are whole numbers, which do not drift.
const token = 1_000;
const windowMs = 10_000;

/**
 * Limiting: retries may add a share to the load, and no more. A bucket of tokens, as gRFC A6 has it: a success puts a
 * little in, a failure that is worth a retry takes one out, and retries are allowed only above half. Two things differ:
 * its size follows the traffic, and a floor keeps callers of few calls from being left without any retry.
 *
 * A retry is paid for when it is scheduled, so that failures that come together cannot all use the same token.
 * One budget belongs to one client and target; give it to several clients of the same target to share it.
 */
export class RetryBudget {
  readonly #min: number;
  readonly #max: number;
  readonly #share: number;
  readonly #perSuccess: number;
  readonly #floorPerSecond: number;
  readonly #calls = new RecentCount(windowMs);
  #capacity: number;
  #tokens: number;
  #floorTokens: number;
  #floorFilledAt = 0;

  /** @throws RangeError or TypeError that names the field. */
  constructor(options: RetryBudgetOptions = {}, field = "budget") {
    checkFields(field, options, ["minTokens", "maxTokens", "share", "tokensPerSuccess", "floorPerSecond"]);
    const { minTokens = 10, share = 0.1, tokensPerSuccess = 0.1, floorPerSecond = 3 } = options;
    checkNumber(`${field}.minTokens`, minTokens, { min: 1, max: 1_000_000 });
    const { maxTokens = Math.max(1_000, minTokens) } = options;
    checkNumber(`${field}.maxTokens`, maxTokens, { min: minTokens, max: 1_000_000 });
    checkNumber(`${field}.share`, share, { min: 0, max: 1 });
    checkNumber(`${field}.tokensPerSuccess`, tokensPerSuccess, { min: 0, max: 1_000 });
    checkNumber(`${field}.floorPerSecond`, floorPerSecond, { min: 0, max: 1_000_000 });
    this.#min = Math.round(minTokens * token);
    this.#max = Math.round(maxTokens * token);
    this.#share = share * token;
    this.#perSuccess = Math.round(tokensPerSuccess * token);
    this.#floorPerSecond = floorPerSecond;
    this.#capacity = this.#tokens = this.#min;
    this.#floorTokens = this.#floorSize;
  }

  /** Tokens in the bucket: never negative, never above `capacity`. */
  get tokens(): number {
    return this.#tokens / token;
  }

  /** How many it holds at present. */
  get capacity(): number {
    return this.#capacity / token;
  }

  /** A call begins. @param now ms */
  called(now: number): void {
    if (this.#calls.add(now)) this.#resize(now);
  }

  /** A call has succeeded. */
  succeeded(): void {
    const tokens = this.#tokens + this.#perSuccess;
    this.#tokens = tokens > this.#capacity ? this.#capacity : tokens;
  }

  /**
   * A call has failed in a way that is worth a retry; takes one token out.
   * @returns Whether that retry may be scheduled. It is paid for.
   */
  take(now: number): boolean {
    this.#resize(now);
    this.#tokens = Math.max(0, this.#tokens - token);
    if (this.#tokens * 2 > this.#capacity) return true;
    this.#fillFloor(now);
    if (this.#floorTokens < 1) return false;
    this.#floorTokens--;
    return true;
  }

  #resize(now: number): void {
    const wanted = Math.round(this.#calls.total(now) * this.#share);
    this.#capacity = Math.min(Math.max(wanted, this.#min), this.#max);
    this.#tokens = Math.min(this.#tokens, this.#capacity);
  }

  /** A second's worth, and at least one so that less than one a second is possible. */
  get #floorSize(): number {
    return this.#floorPerSecond === 0 ? 0 : Math.max(1, this.#floorPerSecond);
  }

  #fillFloor(now: number): void {
    const gained = (Math.max(0, now - this.#floorFilledAt) / 1_000) * this.#floorPerSecond;
    this.#floorTokens = Math.min(this.#floorSize, this.#floorTokens + gained);
    this.#floorFilledAt = now;
  }
}
