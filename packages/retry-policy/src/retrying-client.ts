import type { CallHandler, OutgoingCall } from "@farcall/core";
import type { RetryBudget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import type { ReplayPool } from "./replay-buffer.ts";
import type { AttemptEvent } from "./retry-event.ts";
import type { Throttle } from "./throttle.ts";
import type { TurnClock } from "./turn-clock.ts";

/** What the calls of one client share. */
export interface RetryingClient {
  readonly next: CallHandler<OutgoingCall>;
  readonly clock: Clock;
  readonly turnClock: TurnClock;
  readonly random: () => number;
  readonly budget: RetryBudget | undefined;
  readonly throttle: Throttle | undefined;
  readonly replay: ReplayPool;
  readonly onAttempt: ((event: AttemptEvent) => void) | undefined;
  readonly ambient: (() => { readonly attempt: number } | undefined) | undefined;
}
