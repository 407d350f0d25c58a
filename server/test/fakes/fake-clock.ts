import type { Clock } from '#platform/ports/clock.js';

export interface FakeClock extends Clock {
  /** Moves time on, or back with a negative number. */
  advance(milliseconds: number): void;
}

/** A clock that stands still until a test moves it. */
export function createFakeClock(startIso = '2026-01-15T12:00:00.000Z'): FakeClock {
  let timeMs = Date.parse(startIso);
  if (Number.isNaN(timeMs)) throw new Error(`not a time: ${startIso}`);
  return {
    now: () => new Date(timeMs),
    advance(milliseconds) {
      timeMs += milliseconds;
    },
  };
}
