/** How many retries an endpoint's recent requests have earned. */
export interface RetryBudget {
  /** A new request was made, first tries only. */
  earn(): void;
  /** Takes one retry. @returns false when there is none left: the failure is then the answer */
  spend(): boolean;
}

/** The balance is kept in tenths of a retry: each request earns one. */
const RETRY = 10;
/** So that a burst after a quiet time is not retried all at once. */
const MOST_SAVED = 10 * RETRY;
/** What little traffic may retry all the same: this many, earned again within the time. */
const FLOOR = 3 * RETRY;
const FLOOR_REFILL_MS = 10_000;

/**
 * A token bucket: each request puts in a tenth of a retry, and time refills it up to a small floor. While an endpoint
 * fails, retries add at most a tenth to its load (Google SRE, "Handling overload": per-client retry budget).
 * @param now monotonic milliseconds
 */
export function createRetryBudget(now: () => number): RetryBudget {
  let saved = FLOOR;
  let refilledAt = now();
  const refill = () => {
    const earned = ((now() - refilledAt) / FLOOR_REFILL_MS) * FLOOR;
    refilledAt = now();
    if (saved < FLOOR) saved = Math.min(FLOOR, saved + earned);
  };
  return {
    earn() {
      refill();
      saved = Math.min(MOST_SAVED, saved + 1);
    },
    spend() {
      refill();
      if (saved < RETRY) return false;
      saved -= RETRY;
      return true;
    },
  };
}
