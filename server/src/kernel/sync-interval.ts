const MINUTE_MS = 60_000;
const UNITS: Record<string, number> = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 24 * 60 * MINUTE_MS,
  w: 7 * 24 * 60 * MINUTE_MS,
};
const WORDS: Record<string, string> = { hourly: '1h', daily: '1d', weekly: '1w', monthly: '30d' };
const LEAST_MS = MINUTE_MS;
const LONGEST_MS = 366 * 24 * 60 * MINUTE_MS;

/**
 * Milliseconds of an interval such as `30m`, `12h`, `1d` or `2w`, or one of the words hourly, daily, weekly and
 * monthly (30 days); null where it is none, or not between a minute and a year.
 */
export function parseSyncInterval(interval: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(WORDS[interval] ?? interval) ?? [];
  const milliseconds = Number(count) * (UNITS[unit] ?? Number.NaN);
  return milliseconds >= LEAST_MS && milliseconds <= LONGEST_MS ? milliseconds : null;
}

/** When a source that was read at `now` is read again by itself; null: never. */
export function nextSyncAfter(interval: string | null, now: Date): Date | null {
  const milliseconds = interval === null ? null : parseSyncInterval(interval);
  return milliseconds === null ? null : new Date(now.getTime() + milliseconds);
}
