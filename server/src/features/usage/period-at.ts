export interface Period {
  /** The first instant of it. */
  start: Date;
  /** The first instant after it. */
  end: Date;
}

/** The start of a month, where an account has no anchor of its own. */
const DEFAULT_ANCHOR = new Date(0);

/**
 * The monthly period that an instant falls into. Periods begin on the anchor's day of the month at its time of day, in
 * UTC, to the millisecond; in a month that has no such day, on its last. An anchor on the 31st gives 28 or 29 February
 * and 31 March: it does not slip.
 */
export function periodAt(anchor: Date | null, at: Date): Period {
  const from = anchor ?? DEFAULT_ANCHOR;
  const month = at.getUTCFullYear() * 12 + at.getUTCMonth();
  const isBefore = at.getTime() < startInMonth(from, month).getTime();
  const first = isBefore ? month - 1 : month;
  return { start: startInMonth(from, first), end: startInMonth(from, first + 1) };
}

/** @param month months since the year 0 */
function startInMonth(anchor: Date, month: number): Date {
  const [year, monthOfYear] = [Math.floor(month / 12), month % 12];
  const start = new Date(anchor);
  // The day first: the month of the anchor may have more of them.
  start.setUTCFullYear(year, monthOfYear, Math.min(anchor.getUTCDate(), daysIn(year, monthOfYear)));
  return start;
}

function daysIn(year: number, monthOfYear: number): number {
  const day = new Date(0);
  // Day 0 of the next month is the last of this one.
  day.setUTCFullYear(year, monthOfYear + 1, 0);
  return day.getUTCDate();
}
