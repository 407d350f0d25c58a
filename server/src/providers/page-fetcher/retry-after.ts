const LONGEST_MS = 600_000;

/**
 * How long a server asks us to stay away (RFC 9110, section 10.2.3): seconds, or a date, which is taken against the
 * reply's own. Ten minutes at most: a page is no reason to wait for longer.
 * @returns milliseconds; null: the header is missing or says nothing
 */
export function readRetryAfterMs(value: string | null, date: string | null): number | null {
  const text = value?.trim() ?? '';
  const seconds = /^\d{1,9}(?:\.\d+)?$/.test(text) ? Number(text) : null;
  if (seconds !== null) return Math.min(LONGEST_MS, Math.ceil(seconds * 1_000));
  // Date.parse alone takes nearly anything for a date, even `-5`.
  if (!text.endsWith('GMT')) return null;
  const waitMs = Date.parse(text) - Date.parse(date ?? '');
  return Number.isNaN(waitMs) ? null : Math.min(LONGEST_MS, Math.max(0, waitMs));
}
