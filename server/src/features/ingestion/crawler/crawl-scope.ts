import { normalizePageUrl } from './page-url.js';
import { normalizePercentEncoding } from './percent-encoding.js';
import { matchesWildcard } from './wildcard.js';

/** How far a crawl goes from its start. */
export interface CrawlOptions {
  maxPages: number;
  /** Links from the start; the start itself is at 0. */
  maxDepth: number;
  /** Address patterns, of which a page must match one; empty for all. */
  include: string[];
  exclude: string[];
  sitemap: boolean;
}

type UrlPattern = (url: URL) => boolean;

/**
 * Which addresses belong to a crawl: those of the start's host that match an `include` pattern and no `exclude` pattern,
 * and always the start. A pattern with a scheme is compared from the beginning of the address, one with a leading `/`
 * from the beginning of the path, and any other anywhere in path and query; `*` is any run, and `$` at the end the end.
 */
export function createCrawlScope(
  startUrl: string,
  options: Pick<CrawlOptions, 'include' | 'exclude'>,
): { contains(url: string): boolean } {
  const start = normalizePageUrl(startUrl);
  const site = start === null ? null : siteOf(new URL(start));
  const include = readPatterns(options.include);
  const exclude = readPatterns(options.exclude);
  return {
    contains(address) {
      const normalized = normalizePageUrl(address);
      if (normalized === null || site === null) return false;
      if (normalized === start) return true;
      const url = new URL(normalized);
      if (siteOf(url) !== site) return false;
      if (include.length > 0 && !include.some((matches) => matches(url))) return false;
      return !exclude.some((matches) => matches(url));
    },
  };
}

/** One host with and without `www.`, and over http and https where neither names a port. */
function siteOf(url: URL): string {
  return `${url.hostname.replace(/^www\./, '')}:${url.port}`;
}

function readPatterns(patterns: string[]): UrlPattern[] {
  return patterns.flatMap((pattern) => {
    const trimmed = pattern.trim();
    return trimmed === '' ? [] : [readPattern(trimmed)];
  });
}

function readPattern(written: string): UrlPattern {
  const pattern = normalizePercentEncoding(written.replaceAll(' ', '%20'));
  const address = /^https?:\/\/(?:www\.)?([^/?]*)(.*)$/is.exec(pattern);
  if (address !== null) {
    const [, host = '', rest = ''] = address;
    const prefix = `${host.toLowerCase()}${rest}`;
    return (url) => matchesWildcard(prefix, `${url.host.replace(/^www\./, '')}${targetOf(url)}`);
  }
  const fromStart = pattern.startsWith('/') ? pattern : `*${pattern}`;
  return (url) => matchesWildcard(fromStart, targetOf(url));
}

function targetOf(url: URL): string {
  return `${url.pathname}${url.search}`;
}
