import { normalizePercentEncoding } from './percent-encoding.js';

const MAX_URL_LENGTH = 2_000;
const MAX_PATH_SEGMENTS = 30;
const MAX_SAME_SEGMENT = 5;
const MIN_REPEATS = 3;

/** Says where a visitor came from, never what the page shows. */
const TRACKING_PARAMETERS = new Set(
  'gclid gclsrc dclid gbraid wbraid fbclid msclkid mc_cid mc_eid _ga _gl yclid igshid'.split(' '),
);

/** A session by its name alone. */
const SESSION_PARAMETERS = /^(?:phpsessid|jsessionid|aspsessionid.*)$/;

/** A session only when the value looks like one: `sid=12` may well be a page. */
const POSSIBLE_SESSION_PARAMETERS = new Set(['sid', 'sessionid', 'session_id']);
const SESSION_TOKEN =
  /^(?:(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

const MEDIA_EXTENSIONS = new Set(
  [
    'jpg jpeg jpe png gif webp avif svg svgz bmp ico tif tiff heic heif psd ai eps raw',
    'mp3 m4a wav ogg oga opus flac aac wma mid midi aiff',
    'mp4 m4v mov avi wmv flv webm mkv mpg mpeg ogv 3gp m3u8 swf',
    'woff woff2 ttf otf eot',
    'zip gz tgz bz2 xz zst tar rar 7z jar war iso img dmg',
    'exe msi msix apk ipa deb rpm pkg appimage bin dll so wasm',
    'css js mjs map',
  ].flatMap((extensions) => extensions.split(' ')),
);

/**
 * One address for every spelling of a page's address: without fragment, default port, tracking and session parameters.
 * Null when it is no http(s) address, holds credentials or is longer than 2,000 characters.
 */
export function normalizePageUrl(address: string, base?: string): string | null {
  if (address.length > MAX_URL_LENGTH || !URL.canParse(address, base)) return null;
  const url = new URL(address, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.password !== '') return null;
  const hostname = url.hostname.replace(/\.$/, '');
  if (hostname === '' || hostname.endsWith('.')) return null;

  const port = url.port === '' ? '' : `:${url.port}`;
  const path = normalizePercentEncoding(url.pathname).replace(/;jsessionid=[^/;]*/gi, '');
  const normalized = `${url.protocol}//${hostname}${port}${path}${normalizeQuery(url.search)}`;
  return normalized.length > MAX_URL_LENGTH ? null : normalized;
}

/**
 * Whether the path looks like one that a site goes on making up for ever: a sequence of segments three times in a row,
 * more than 30 segments, or one segment more than five times. A number three times in a row is no such sign, because
 * 11/11/11 is a date.
 */
export function hasRepeatingPath(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const segments = new URL(url).pathname.split('/').filter((segment) => segment !== '');
  if (segments.length > MAX_PATH_SEGMENTS) return true;
  const counts = new Map<string, number>();
  for (const segment of segments) counts.set(segment, (counts.get(segment) ?? 0) + 1);
  if ([...counts.values()].some((count) => count > MAX_SAME_SEGMENT)) return true;
  return segments.some((_segment, start) => startsRepetition(segments, start));
}

/** Whether the extension says that the address holds no text: pictures, sound, films, fonts, archives, programs, code of pages. */
export function isMediaUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const extension = /\.([a-z0-9]+)$/i.exec(new URL(url).pathname)?.[1];
  return extension !== undefined && MEDIA_EXTENSIONS.has(extension.toLowerCase());
}

function normalizeQuery(search: string): string {
  const parts = normalizePercentEncoding(search.slice(1))
    .split('&')
    .filter((part) => part !== '');
  const names = parts.map(nameOf);
  const hasColdFusionSession = names.includes('cfid') && names.includes('cftoken');
  const kept = parts.filter((part, index) => {
    const name = names[index] ?? '';
    if (hasColdFusionSession && (name === 'cfid' || name === 'cftoken')) return false;
    if (name.startsWith('utm_') || TRACKING_PARAMETERS.has(name) || SESSION_PARAMETERS.test(name))
      return false;
    return !POSSIBLE_SESSION_PARAMETERS.has(name) || !SESSION_TOKEN.test(part.slice(part.indexOf('=') + 1));
  });
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function nameOf(part: string): string {
  return (part.split('=', 1)[0] ?? '').toLowerCase();
}

function startsRepetition(segments: string[], start: number): boolean {
  const longest = Math.floor((segments.length - start) / MIN_REPEATS);
  for (let length = 1; length <= longest; length += 1) {
    const compared = segments.slice(start, start + length * (MIN_REPEATS - 1));
    const isRepeated = compared.every((segment, index) => segment === segments[start + length + index]);
    if (isRepeated && !(length === 1 && /^\d+$/.test(compared[0] ?? ''))) return true;
  }
  return false;
}
