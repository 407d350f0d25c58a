import { SaxesParser } from 'saxes';

import { readSitemapDate } from './sitemap-date.js';
import type { EntryTaker, SitemapReader } from './sitemap-reader.js';

const MAX_DEPTH = 32;
const MAX_ERRORS = 1_000;
/** Five in each address of the largest sitemap are 250,000; beyond, they are there to cost time. */
const MAX_BARE_AMPERSANDS = 1_000_000;
/** Characters without an entry. The longest articles of a feed have about one million. */
const MAX_SILENCE_LENGTH = 4_000_000;
const MAX_URL_LENGTH = 2_000;
const LONGEST_ENTITY = 12;

interface Format {
  type: SitemapReader['type'];
  entry: string;
  address: string;
  /** The best first. */
  dates: string[];
}

const FORMATS = new Map<string, Format>([
  ['urlset', { type: 'urlset', entry: 'url', address: 'loc', dates: ['lastmod'] }],
  ['sitemapindex', { type: 'index', entry: 'sitemap', address: 'loc', dates: ['lastmod'] }],
  ['rss', { type: 'urlset', entry: 'item', address: 'link', dates: ['updated', 'pubdate', 'date'] }],
  ['rdf', { type: 'urlset', entry: 'item', address: 'link', dates: ['date'] }],
  ['feed', { type: 'urlset', entry: 'entry', address: 'link', dates: ['updated', 'published'] }],
]);

/**
 * Reads sitemaps, sitemap indexes and feeds in XML. Namespaces are left aside, entities of a document type are never
 * expanded, and errors of form are passed over as long as there are not too many. Any other document has no entries.
 */
export function createFeedReader(takeEntry: EntryTaker): SitemapReader {
  const parser = new SaxesParser({ xmlns: false, position: false });
  const path: string[] = [];
  const pending = { url: '', dates: new Map<string, string>() };
  let format: Format | null = null;
  let text = '';
  let rest = '';
  let errorCount = 0;
  let ampersandCount = 0;
  let silenceLength = 0;
  let isWanted = true;
  let breaksOff = false;

  function finishEntry(): void {
    const { url, dates } = pending;
    if (format !== null && url !== '' && url.length <= MAX_URL_LENGTH) {
      const date = format.dates.map((name) => readSitemapDate(dates.get(name) ?? '')).find(Boolean);
      isWanted = takeEntry(url, date ?? null);
      silenceLength = 0;
    }
    pending.url = '';
    dates.clear();
  }

  function readElement(name: string): void {
    const value = text.trim();
    if (format === null || value === '' || path.at(-1) !== format.entry) return;
    if (name === format.address) pending.url ||= value;
    else if (format.dates.includes(name)) pending.dates.set(name, value);
  }

  function breakOff(): void {
    isWanted = false;
    breaksOff = true;
  }

  parser.on('error', (error) => {
    errorCount += 1;
    if (errorCount <= MAX_ERRORS) return;
    breakOff();
    // The one way to stop the parser within a piece: a single tag may hold errors without number.
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (!isWanted) return;
    const local = localName(name);
    if (path.length === 0 && format === null) {
      format = FORMATS.get(local) ?? null;
      isWanted = format !== null;
    } else if (local === format?.entry) finishEntry();
    else if (local === format?.address && path.at(-1) === format.entry && attributes['href'] !== undefined) {
      if ((attributes['rel'] ?? 'alternate') === 'alternate') pending.url ||= attributes['href'].trim();
    }
    path.push(local);
    text = '';
    if (path.length > MAX_DEPTH) breakOff();
  });
  parser.on('text', takeText);
  // In CDATA the escape of a bare ampersand is text.
  parser.on('cdata', (piece) => takeText(piece.replaceAll('&amp;', '&')));
  parser.on('closetag', ({ name }) => {
    if (!isWanted) return;
    const local = localName(name);
    path.pop();
    readElement(local);
    if (local === format?.entry) finishEntry();
    text = '';
  });

  function takeText(piece: string): void {
    if (text.length <= MAX_URL_LENGTH) text += piece;
  }

  function parseXml(xml: string): void {
    const escaped = escapeBareAmpersands(xml);
    ampersandCount += (escaped.length - xml.length) / 'amp;'.length;
    silenceLength += xml.length;
    if (ampersandCount > MAX_BARE_AMPERSANDS || silenceLength > MAX_SILENCE_LENGTH) breakOff();
    if (!isWanted) return;
    try {
      parser.write(escaped);
    } catch (error) {
      if (!breaksOff) throw error;
    }
  }

  return {
    get type() {
      return format?.type ?? 'urlset';
    },
    write(piece) {
      const whole = `${rest}${piece}`;
      const lastAmpersand = whole.lastIndexOf('&');
      const isOpen = lastAmpersand !== -1 && whole.length - lastAmpersand < LONGEST_ENTITY;
      rest = isOpen ? whole.slice(lastAmpersand) : '';
      parseXml(isOpen ? whole.slice(0, lastAmpersand) : whole);
      return isWanted;
    },
    end() {
      if (isWanted) parseXml(rest);
      if (!isWanted) return breaksOff;
      const isOpen = path.length > 0;
      finishEntry();
      return isOpen;
    },
  };
}

/** Many sitemaps hold `?a=1&b=2` as it is; the parser would take all up to the next semicolon for the name of an entity. */
function escapeBareAmpersands(xml: string): string {
  return xml.replace(/&(?!(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]{1,8});)/gi, '&amp;');
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1).toLowerCase();
}
