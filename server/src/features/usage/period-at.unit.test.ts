import { describe, expect, it } from 'vitest';
import { periodAt } from './period-at.js';

const at = (text: string) => new Date(text);
const shown = ({ start, end }: { start: Date; end: Date }) => [start.toISOString(), end.toISOString()];

describe('a period', () => {
  it('is the month in UTC where there is no anchor, right to the millisecond', () => {
    expect(shown(periodAt(null, at('2026-02-28T23:59:59.999Z')))).toEqual([
      '2026-02-01T00:00:00.000Z',
      '2026-03-01T00:00:00.000Z',
    ]);
    expect(shown(periodAt(null, at('2026-03-01T00:00:00.000Z')))).toEqual([
      '2026-03-01T00:00:00.000Z',
      '2026-04-01T00:00:00.000Z',
    ]);
  });

  it('of an anchor on the 31st begins on the last day of shorter months, through 24 months with a leap day', () => {
    const anchor = at('2026-12-31T13:14:15.678Z');
    const starts: string[] = [];
    let instant = anchor;
    for (let month = 0; month < 24; month += 1) {
      const { start, end } = periodAt(anchor, instant);
      expect(start).toEqual(instant);
      starts.push(start.toISOString().slice(0, 10));
      // The last instant is still of this one.
      expect(periodAt(anchor, new Date(end.getTime() - 1)).start).toEqual(start);
      instant = end;
    }
    expect(starts).toEqual([
      '2026-12-31',
      '2027-01-31',
      '2027-02-28',
      '2027-03-31',
      '2027-04-30',
      '2027-05-31',
      '2027-06-30',
      '2027-07-31',
      '2027-08-31',
      '2027-09-30',
      '2027-10-31',
      '2027-11-30',
      '2027-12-31',
      '2028-01-31',
      '2028-02-29',
      '2028-03-31',
      '2028-04-30',
      '2028-05-31',
      '2028-06-30',
      '2028-07-31',
      '2028-08-31',
      '2028-09-30',
      '2028-10-31',
      '2028-11-30',
    ]);
    expect(starts.every((_, index) => index === 0 || starts[index - 1] !== starts[index])).toBe(true);
  });

  it.each([
    [
      'before the day of its month',
      '2026-03-10T00:00:00Z',
      '2026-02-15T08:00:00.000Z',
      '2026-03-15T08:00:00.000Z',
    ],
    [
      'before the time of its day',
      '2026-03-15T07:59:59.999Z',
      '2026-02-15T08:00:00.000Z',
      '2026-03-15T08:00:00.000Z',
    ],
    ['at its time', '2026-03-15T08:00:00Z', '2026-03-15T08:00:00.000Z', '2026-04-15T08:00:00.000Z'],
    [
      'over the turn of a year',
      '2027-01-02T00:00:00Z',
      '2026-12-15T08:00:00.000Z',
      '2027-01-15T08:00:00.000Z',
    ],
    ['before its anchor', '2025-06-20T00:00:00Z', '2025-06-15T08:00:00.000Z', '2025-07-15T08:00:00.000Z'],
  ])('with an anchor of its own: %s', (_when, instant, start, end) => {
    expect(shown(periodAt(at('2026-01-15T08:00:00Z'), at(instant)))).toEqual([start, end]);
  });

  it('knows no daylight saving: an hour that a clock on a wall skips is one like any other', () => {
    // In Berlin the clocks go forward at 01:00 UTC on 29 March 2026, and back at 01:00 UTC on 25 October.
    const { start, end } = periodAt(at('2026-03-29T01:30:00Z'), at('2026-10-29T01:29:59.999Z'));
    expect([start.toISOString(), end.toISOString()]).toEqual([
      '2026-09-29T01:30:00.000Z',
      '2026-10-29T01:30:00.000Z',
    ]);
  });
});
