import { encodeNonAscii, normalizePercentEncoding } from './percent-encoding.js';
import { type RobotsLine, readRobotsLines } from './robots-lines.js';
import { matchesWildcard } from './wildcard.js';

const MAX_CRAWL_DELAY_MS = 60_000;

/** What a robots.txt says to one crawler. */
export interface RobotsRules {
  isAllowed(url: string): boolean;
  crawlDelayMs: number | null;
  sitemaps: string[];
}

/** For a host without a robots.txt (4xx; RFC 9309, 2.3.1.3). */
export const ALLOW_ALL: RobotsRules = { isAllowed: () => true, crawlDelayMs: null, sitemaps: [] };

/** For a host that cannot say what it wants (5xx or unreachable; RFC 9309, 2.3.1.4). */
export const DISALLOW_ALL: RobotsRules = {
  isAllowed: (url) => pathAndQueryOf(url) === ROBOTS_PATH,
  crawlDelayMs: null,
  sitemaps: [],
};

const ROBOTS_PATH = '/robots.txt';

interface Rule {
  isAllowed: boolean;
  priority: number;
  /** As written, and for a disallow rule also with its escapes normalized. */
  patterns: { exact: string; normalized: string | null };
}

interface Group {
  rules: Rule[];
  crawlDelayMs: number | null;
}

/**
 * The rules of a robots.txt for the crawler with this product token (RFC 9309): the merged groups that name it, or
 * those of `*`. The longest rule that matches decides, and between equals the one that allows.
 */
export function parseRobots(body: Uint8Array | string, productToken: string): RobotsRules {
  const { own, everyone, sitemaps } = groupLines(readRobotsLines(body), productToken.toLowerCase());
  const { rules, crawlDelayMs } = own ?? everyone;
  rules.sort((a, b) => b.priority - a.priority || Number(b.isAllowed) - Number(a.isAllowed));
  return {
    isAllowed(url) {
      const target = pathAndQueryOf(url);
      if (target === ROBOTS_PATH) return true;
      const exact = escapeMarks(upperCaseEscapes(target));
      const normalized = escapeMarks(normalizePercentEncoding(target));
      return rules.find((rule) => matchesRule(rule, exact, normalized))?.isAllowed ?? true;
    },
    crawlDelayMs,
    sitemaps,
  };
}

function groupLines(lines: RobotsLine[], productToken: string) {
  const everyone: Group = { rules: [], crawlDelayMs: null };
  const sitemaps = new Set<string>();
  let own: Group | null = null;
  let current = new Set<Group>();
  // A group begins with one or more user-agent lines; only a rule ends them, an unknown line does not.
  let hasRule = false;
  for (const { key, value } of lines) {
    if (key === 'user-agent') {
      if (hasRule) current = new Set();
      hasRule = false;
      if (/^\*(?:\s|$)/.test(value)) current.add(everyone);
      else if (/^[a-z_-]*/i.exec(value)?.[0].toLowerCase() === productToken) {
        own ??= { rules: [], crawlDelayMs: null };
        current.add(own);
      }
    } else if (key === 'sitemap') {
      if (value !== '') sitemaps.add(value);
    } else if (key === 'crawl-delay') {
      for (const group of current) group.crawlDelayMs = readCrawlDelayMs(value) ?? group.crawlDelayMs;
    } else {
      hasRule = true;
      if (value === '') continue;
      for (const group of current) group.rules.push(createRule(key === 'allow', value));
    }
  }
  return { own, everyone, sitemaps: [...sitemaps] };
}

function createRule(isAllowed: boolean, value: string): Rule {
  const encoded = encodeNonAscii(value);
  return {
    isAllowed,
    priority: encoded.length,
    patterns: {
      exact: escapeInnerEnds(upperCaseEscapes(encoded)),
      normalized: isAllowed ? null : escapeInnerEnds(normalizePercentEncoding(encoded)),
    },
  };
}

/**
 * The parser that most crawlers share takes `%62` and `b` for different, while RFC 9309, 2.2.2 takes them for the same.
 * What either reading forbids is not fetched.
 */
function matchesRule({ patterns }: Rule, exact: string, normalized: string): boolean {
  if (matchesWildcard(patterns.exact, exact)) return true;
  return patterns.normalized !== null && matchesWildcard(patterns.normalized, normalized);
}

function readCrawlDelayMs(value: string): number | null {
  const seconds = /^\d+(?:\.\d+)?|^\.\d+/.exec(value)?.[0];
  return seconds === undefined ? null : Math.min(Math.round(Number(seconds) * 1_000), MAX_CRAWL_DELAY_MS);
}

/** By hand, because the URL parser would encode what is compared as it was written. */
function pathAndQueryOf(url: string): string {
  const target = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/#.*$/s, '');
  return target.startsWith('/') ? target : `/${target}`;
}

function upperCaseEscapes(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (escape) => escape.toUpperCase());
}

/** In an address, `*` and `$` mean themselves; a rule that means them writes them as `%2A` and `%24`. */
function escapeMarks(target: string): string {
  return target.replaceAll('*', '%2A').replaceAll('$', '%24');
}

function escapeInnerEnds(pattern: string): string {
  return pattern.replace(/\$(?!$)/g, '%24');
}
