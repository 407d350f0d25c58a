import type { Clock } from '#platform/ports/clock.js';

export interface DatabaseClock extends Clock {
  /** Sets it to the database's time as it is now. */
  anchor: (now: Date) => void;
}

/**
 * The database's time, kept going by this process's monotonic clock: what is due and what has run out is the same for
 * all machines on a database, however wrong the clock of one of them is, and no jump of a clock is seen.
 */
export function createDatabaseClock(): DatabaseClock {
  let offsetMs = Date.now() - performance.now();
  return {
    now: () => new Date(offsetMs + performance.now()),
    anchor: (now) => {
      offsetMs = now.getTime() - performance.now();
    },
  };
}
