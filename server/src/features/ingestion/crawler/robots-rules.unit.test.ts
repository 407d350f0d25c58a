import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { corpusOrNull, readTarball } from '#test/read-corpus.js';

import { ALLOW_ALL, DISALLOW_ALL, parseRobots } from './robots-rules.js';

interface RobotsCase {
  robots: string;
  agent: string;
  url: string;
  allowed: boolean;
  rfc: boolean;
}

const googleCases = corpusOrNull('robots/google_robots_cases.json');
const realFiles = corpusOrNull('robots/real_robots.tar.gz');

const isAllowed = (lines: string[], path: string) =>
  parseRobots(lines.join('\n'), 'Botbase').isAllowed(`https://example.com${path}`);

describe('the groups of a robots.txt', () => {
  it('merges the groups that name the crawler and leaves those of others', () => {
    const lines = ['User-agent: botbase', 'Disallow: /a', '', 'User-agent: other', 'Disallow: /'];
    lines.push('', 'User-agent: x', 'User-agent: BOTBASE/2.0 (+https://b.example)', 'Disallow: /b');
    expect(['/a', '/b', '/c'].map((path) => isAllowed(lines, path))).toEqual([false, false, true]);
  });

  it('follows the star only when no group names the crawler, even with nothing forbidden in it', () => {
    const everyone = ['User-agent: *', 'Disallow: /'];
    expect(isAllowed(everyone, '/a')).toBe(false);
    expect(isAllowed([...everyone, 'User-agent: Botbase', 'Disallow:'], '/a')).toBe(true);
    expect(isAllowed([...everyone, 'User-agent: Botbases', 'Disallow:'], '/a')).toBe(false);
  });

  it('keeps a group open over lines that are no rules, and knows no rules before the first group', () => {
    expect(isAllowed(['Disallow: /', 'User-agent: *', 'Allow: /b'], '/a')).toBe(true);
    expect(isAllowed(['User-agent: x', 'Host: a', 'User-agent: *', 'Disallow: /'], '/a')).toBe(false);
  });
});

describe('the rules of a robots.txt', () => {
  it('lets the longest rule decide, and between equals the one that allows', () => {
    const lines = ['User-agent: *', 'Disallow: /shop', 'Allow: /shop/help', 'Disallow: /x', 'Allow: /x'];
    lines.push('Disallow: /*.pdf$');
    const paths = ['/shop/a', '/shop/help/b', '/x', '/a.pdf', '/a.pdf?b', '/'];
    expect(paths.map((path) => isAllowed(lines, path))).toEqual([false, true, true, false, true, true]);
  });

  it('forbids what one of two readings of an escape forbids', () => {
    const lines = [
      'User-agent: *',
      'Disallow: /%62ar',
      'Disallow: /über',
      'Disallow: /%c3%a9',
      'Disallow: /~a',
    ];
    for (const path of ['/bar', '/%62ar', '/%C3%BCber', '/%c3%bcber', '/%C3%A9', '/%7Ea']) {
      expect(isAllowed(lines, path)).toBe(false);
    }
  });

  it('tells an escaped star and dollar from those with a meaning', () => {
    const lines = ['User-agent: *', 'Disallow: /a%2A', 'Disallow: /b%24', 'Disallow: /c$d'];
    const paths = ['/a*', '/ab', '/b$', '/b', '/c$d', '/c'];
    expect(paths.map((path) => isAllowed(lines, path))).toEqual([false, true, false, true, false, true]);
  });

  it('always allows the robots.txt itself', () => {
    expect(isAllowed(['User-agent: *', 'Disallow: /'], '/robots.txt')).toBe(true);
    expect(DISALLOW_ALL.isAllowed('https://example.com/robots.txt')).toBe(true);
    expect(DISALLOW_ALL.isAllowed('https://example.com/')).toBe(false);
    expect(ALLOW_ALL.isAllowed('https://example.com/')).toBe(true);
  });

  it('is not slowed down by a hostile pattern', () => {
    const lines = ['User-agent: *', `Disallow: /${'*a'.repeat(5_000)}b$`];
    expect(isAllowed(lines, `/${'a'.repeat(50_000)}`)).toBe(true);
  });
});

describe('the lines of a robots.txt', () => {
  it.each([
    ['a byte order mark', '\ufeffUser-agent: *\nDisallow: /'],
    ['CR', 'User-agent: *\rDisallow: /'],
    ['CRLF', 'User-agent: *\r\nDisallow: /\r\n'],
    ['comments', '# a\nUser-agent: * # b\nDisallow: /#c'],
    ['spaces', '  USER-AGENT :*\n\tDisallow\t:\t/  '],
    ['no colon', 'user-agent *\ndisallow /'],
    ['misspelled', 'useragent: *\ndissalow: /'],
    ['unknown lines', '<html>\nfoo: bar\nUser-agent: *\nbaz\nDisallow: /'],
  ])('reads %s', (_name, body) => {
    expect(parseRobots(body, 'Botbase').isAllowed('http://a.example/b')).toBe(false);
    expect(parseRobots(Buffer.from(body), 'Botbase').isAllowed('http://a.example/b')).toBe(false);
  });

  it('reads the first 500 KiB, and no half line', () => {
    const filler = `${'#'.repeat(1_023)}\n`.repeat(499);
    const head = `User-agent: *\n${'#'.repeat(1_024 - 14 - 14)}\nDisallow: /abcdef\nDisallow: /z\n`;
    const rules = parseRobots(filler + head, 'Botbase');
    expect(rules.isAllowed('http://a.example/abcdef')).toBe(true);
    expect(rules.isAllowed('http://a.example/z')).toBe(true);
    expect(parseRobots(filler.slice(1_024) + head, 'Botbase').isAllowed('http://a.example/z')).toBe(false);
  });

  it('gives the delay of the chosen group in milliseconds, 60 seconds at most', () => {
    const delayOf = (...lines: string[]) => parseRobots(lines.join('\n'), 'Botbase').crawlDelayMs;
    expect(delayOf('User-agent: *', 'Crawl-delay: 2.5')).toBe(2_500);
    expect(delayOf('User-agent: *', 'Crawl-delay: 3600')).toBe(60_000);
    expect(delayOf('User-agent: *', 'Crawl-delay: soon')).toBeNull();
    expect(delayOf('User-agent: *', 'Crawl-delay: 5', 'Disallow:', 'User-agent: Botbase')).toBeNull();
    expect(delayOf('User-agent: Slurp', 'Crawl-delay: 5', 'User-agent: *', 'Disallow: /a')).toBeNull();
  });

  it('gives the sitemaps, wherever they stand', () => {
    const lines = ['Sitemap: https://example.com/a.xml', 'User-agent: x', 'Disallow: /', 'sitemap:/ü.xml'];
    lines.push('SITEMAP: https://example.com/a.xml', 'Sitemap:');
    const { sitemaps } = parseRobots(lines.join('\n'), 'Botbase');
    expect(sitemaps).toEqual(['https://example.com/a.xml', '/ü.xml']);
  });
});

describe.skipIf(googleCases === null)("the cases of Google's parser", () => {
  const cases: RobotsCase[] = JSON.parse(readFileSync(googleCases ?? '', 'utf8'));

  it('gives the answer of RFC 9309 in all of them', () => {
    const wrong = cases.filter(
      ({ robots, agent, url, allowed, rfc }) => rfc && parseRobots(robots, agent).isAllowed(url) !== allowed,
    );
    expect(wrong).toEqual([]);
    expect(cases.filter(({ rfc }) => rfc)).toHaveLength(72);
  });
});

describe.skipIf(realFiles === null)('real robots.txt files', () => {
  it('reads every one', () => {
    const rules = Array.from(readTarball(realFiles ?? ''), ([, body]) => parseRobots(body, 'Botbase'));
    expect(rules.length).toBeGreaterThan(4_000);
    expect(rules.filter((each) => !each.isAllowed('https://example.com/')).length).toBeLessThan(200);
    expect(rules.flatMap((each) => each.sitemaps).length).toBeGreaterThan(10_000);
  });
});
