import { expect, it } from 'vitest';
import { nextSyncAfter, parseSyncInterval } from './sync-interval.js';

it.each([
  ['1m', 60_000],
  ['90m', 5_400_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
  ['hourly', 3_600_000],
  ['daily', 86_400_000],
  ['weekly', 604_800_000],
  ['monthly', 2_592_000_000],
])('%s', (interval, milliseconds) => {
  expect(parseSyncInterval(interval)).toBe(milliseconds);
});

it.each(['', '0m', '30s', '1', 'h', '-1h', '1.5h', '400d', '9999999m', '1 h', 'yearly', 'constructor'])(
  'refuses %j',
  (interval) => {
    expect(parseSyncInterval(interval)).toBeNull();
  },
);

it('counts from the end of a run', () => {
  const now = new Date('2026-03-01T00:00:00Z');
  expect(nextSyncAfter('1d', now)).toEqual(new Date('2026-03-02T00:00:00Z'));
  expect(nextSyncAfter(null, now)).toBeNull();
});
