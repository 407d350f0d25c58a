/** RFC 9309, 2.5: a crawler must read at least so much. */
const MAX_ROBOTS_BYTES = 500 * 1_024;

type RobotsKey = 'user-agent' | 'allow' | 'disallow' | 'crawl-delay' | 'sitemap';

/** A line of a robots.txt that means something to a crawler. */
export interface RobotsLine {
  key: RobotsKey;
  value: string;
}

/** The misspellings are those that Google's parser knows; each of them was meant to keep somebody out. */
const KEYS = new Map<string, RobotsKey>([
  ['user-agent', 'user-agent'],
  ['useragent', 'user-agent'],
  ['user agent', 'user-agent'],
  ['allow', 'allow'],
  ['disallow', 'disallow'],
  ['dissallow', 'disallow'],
  ['dissalow', 'disallow'],
  ['disalow', 'disallow'],
  ['diasllow', 'disallow'],
  ['disallaw', 'disallow'],
  ['crawl-delay', 'crawl-delay'],
  ['crawldelay', 'crawl-delay'],
  ['sitemap', 'sitemap'],
  ['site-map', 'sitemap'],
]);

/** The known lines of a robots.txt, in order. Comments, unknown lines and all beyond 500 KiB are left out. */
export function readRobotsLines(body: Uint8Array | string): RobotsLine[] {
  return readText(body)
    .split(/\r\n|\r|\n/)
    .flatMap((line) => readLine(line.replace(/#.*$/s, '').trim()));
}

function readText(body: Uint8Array | string): string {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const text = new TextDecoder().decode(bytes.subarray(0, MAX_ROBOTS_BYTES));
  if (bytes.length <= MAX_ROBOTS_BYTES) return text;
  // Half a rule would forbid, or allow, more than the whole one.
  return text.slice(0, Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'), 0));
}

function readLine(line: string): RobotsLine[] {
  const colon = line.indexOf(':');
  // Without a colon, a line of exactly two words counts: `disallow /private`.
  const parts = colon === -1 ? line.split(/\s+/) : [line.slice(0, colon), line.slice(colon + 1)];
  const [name, value] = parts;
  if (name === undefined || value === undefined || parts.length !== 2) return [];
  const key = KEYS.get(name.trim().toLowerCase());
  return key === undefined ? [] : [{ key, value: value.trim() }];
}
