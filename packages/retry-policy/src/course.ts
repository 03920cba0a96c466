import type { StopReason } from "@farcall/core";
import type { Backoff } from "./backoff.ts";
import type { RetryBudget } from "./budget.ts";
import type { Verdict } from "./decide.ts";

/** What bounds the attempts of one call. */
export interface CourseLimits {
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly minAttemptMs: number;
  readonly maxPushbackMs: number;
  /** When the call must have ended, ms; `Infinity` for never. */
  readonly deadline: number;
  readonly budget: RetryBudget | undefined;
  readonly random: () => number;
}

export type Step =
  | { readonly cause: "retry" | "move"; readonly delayMs: number; readonly stopped?: undefined }
  | { readonly stopped: StopReason };

/** Moves of one call, however many endpoints refuse it. */
const maxMoves = 32;

/** Servers that send many away with the same pushback must not see all of them come back at once. */
const pushbackJitter = 0.2;

/** The course of one call's attempts: turns a verdict into a step by what deciding does not know: counts, time, budget. */
export class Course {
  /** Attempts that count. The first does. */
  #used = 1;
  #retries = 0;
  #previousMs = 0;
  #movedFrom: Set<string> | undefined = undefined;

  /** Attempts that count, so far. */
  get used(): number {
    return this.#used;
  }

  /** An attempt that counts begins without a failure before it. */
  hedged(): void {
    this.#used++;
  }

  /**
   * What follows a failure that `verdict` is about. What is allowed is paid for.
   * @param peer Who refused, for the one move that each endpoint gives.
   */
  next(
    verdict: Verdict,
    retryAfterMs: number | "never" | undefined,
    peer: string | undefined,
    now: number,
    limits: CourseLimits,
  ): Step {
    if (verdict === "stop") return { stopped: "not retryable" };
    if (verdict === "forbidden") return { stopped: "pushback" };
    const timeLeft = limits.deadline - now;
    if (verdict === "move" && this.#moves(peer)) {
      return timeLeft <= 0 || timeLeft < limits.minAttemptMs ? { stopped: "deadline" } : { cause: "move", delayMs: 0 };
    }
    // Whoever waits for another call's end needs no token: it costs the server nothing.
    const isPaid = verdict === "await" || limits.budget === undefined || limits.budget.take(now);
    const counts = verdict !== "await" || limits.deadline === Infinity;
    if (counts && this.#used >= limits.attempts) return { stopped: "attempts" };
    let delayMs: number;
    if (typeof retryAfterMs === "number") {
      if (retryAfterMs > limits.maxPushbackMs) return { stopped: "pushback" };
      delayMs = retryAfterMs * (1 + pushbackJitter * limits.random());
    } else {
      delayMs = limits.backoff.delayMs(this.#retries + 1, this.#previousMs, limits.random);
    }
    if (timeLeft <= delayMs || timeLeft < delayMs + limits.minAttemptMs) return { stopped: "deadline" };
    if (!isPaid) return { stopped: "budget" };
    if (counts) this.#used++;
    this.#retries++;
    this.#previousMs = delayMs;
    return { cause: "retry", delayMs };
  }

  #moves(peer: string | undefined): boolean {
    const from = (this.#movedFrom ??= new Set());
    const key = peer ?? "";
    if (from.size >= maxMoves || from.has(key)) return false;
    from.add(key);
    return true;
  }
}
