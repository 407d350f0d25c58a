import { ModelError } from '#kernel/model-error.js';

/** A place among the calls in flight. */
export interface Place {
  /** Gives it back. @param outcome null: the call went well; undefined: it was never made */
  leave(outcome: unknown): void;
}

/** How many calls for passages are in flight at once, and when none may be. */
export interface SendPace {
  /** @throws the signal's reason when it fires first */
  enter(signal: AbortSignal): Promise<Place>;
  /** For a call that takes no place: its answer counts all the same. */
  follow(): Place;
}

export interface SendPaceOptions {
  /** Monotonic milliseconds. */
  now: () => number;
  /** @throws the signal's reason when it fires */
  pause: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export const MOST_IN_FLIGHT = 8;
const FIRST_IN_FLIGHT = 4;
const SUCCESSES_TO_GROW = 2;
/** An endpoint that asks for more is not waited for: its calls fail, and the circuit keeps others away. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Additive increase, multiplicative decrease, as TCP does it: half as many calls once the endpoint is too busy, one
 * more for every two that it answers. What it asks for in `Retry-After` all calls wait for, not only the one it told.
 */
export function createSendPace({ now, pause }: SendPaceOptions): SendPace {
  let limit = FIRST_IN_FLIGHT;
  let inFlight = 0;
  let successes = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  /** Counts the halvings: what was sent before one says nothing of the new limit. */
  let epoch = 0;
  const waiting = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of waiting) wake();
  };

  function heed(outcome: unknown, sentIn: number): void {
    if (outcome === null) return grow();
    if (!(outcome instanceof ModelError) || !isBusy(outcome)) return;
    successes = 0;
    const isPaused = now() < pausedUntil;
    const askedMs = (outcome.retryAfterSeconds ?? 0) * 1_000;
    if (askedMs <= LONGEST_PAUSE_MS) pausedUntil = Math.max(pausedUntil, now() + askedMs);
    if (sentIn !== epoch || isPaused) return;
    epoch += 1;
    limit = Math.max(1, Math.floor(limit / 2));
  }

  function grow(): void {
    successes += 1;
    if (successes < SUCCESSES_TO_GROW) return;
    successes = 0;
    limit = Math.min(MOST_IN_FLIGHT, limit + 1);
  }

  function createPlace(onLeave: () => void): Place {
    const sentIn = epoch;
    let isLeft = false;
    return {
      leave(outcome) {
        if (isLeft) return;
        isLeft = true;
        if (outcome !== undefined) heed(outcome, sentIn);
        onLeave();
      },
    };
  }

  return {
    async enter(signal) {
      for (;;) {
        signal.throwIfAborted();
        const pausedMs = pausedUntil - now();
        if (pausedMs > 0) await pause(pausedMs, signal);
        else if (inFlight >= limit) await whenWoken(waiting, signal);
        else break;
      }
      inFlight += 1;
      return createPlace(() => {
        inFlight -= 1;
        wakeAll();
      });
    },
    follow: () => createPlace(() => {}),
  };
}

/** The endpoint, or the way to it, has more to do than it can. */
function isBusy({ kind }: ModelError): boolean {
  return kind === 'rate_limited' || kind === 'unavailable' || kind === 'timeout';
}

function whenWoken(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}
