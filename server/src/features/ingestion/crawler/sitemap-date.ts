/** https://www.w3.org/TR/NOTE-datetime, with the variants that sitemaps really have. */
const W3C_DATE =
  /^(\d{4}(?:-\d{2}){0,2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|[+-]\d{2}:?\d{2})?)?$/i;
const MAIL_DATE =
  /^(?:[a-z]{3,9}, )?\d{1,2} [a-z]{3,9} \d{4} \d{2}:\d{2}(?::\d{2})? (?:[a-z]{1,4}|[+-]\d{4})$/i;

/** A date of a sitemap or a feed (RFC 822), or null. Without a zone it is UTC. */
export function readSitemapDate(written: string): Date | null {
  const [, day, time, zone] = W3C_DATE.exec(written) ?? [];
  if (day === undefined) return MAIL_DATE.test(written) ? validOrNull(new Date(written)) : null;
  if (time === undefined) return validOrNull(new Date(day));
  const offset = (zone ?? 'Z').toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  return validOrNull(new Date(`${day}T${time}${offset}`));
}

function validOrNull(date: Date): Date | null {
  return Number.isNaN(date.getTime()) ? null : date;
}
