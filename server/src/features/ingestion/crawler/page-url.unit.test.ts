import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { corpusOrNull } from '#test/read-corpus.js';

import { hasRepeatingPath, isMediaUrl, normalizePageUrl } from './page-url.js';

const SESSION = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const urlTests = ['urltestdata', 'setters_tests', 'toascii', 'percent-encoding', 'IdnaTestV2'].map((name) =>
  corpusOrNull(`url/${name}.json.gz`),
);

describe('the normalized address of a page', () => {
  it.each([
    ['HTTP://WWW.Example.COM', 'http://www.example.com/'],
    ['https://example.com:443/a#b', 'https://example.com/a'],
    ['http://example.com:443/', 'http://example.com:443/'],
    ['https://example.com./a', 'https://example.com/a'],
    ['https://bücher.example/ü', 'https://xn--bcher-kva.example/%C3%BC'],
    ['https://example.com/a/../b/./c', 'https://example.com/b/c'],
    ['https://example.com//a//index.html', 'https://example.com//a//index.html'],
    ['https://example.com/%7euser/%e3%83%84%2f', 'https://example.com/~user/%E3%83%84%2F'],
    ['https://example.com/100%', 'https://example.com/100%25'],
    ['https://example.com/a?', 'https://example.com/a'],
    ['https://example.com/a?&b=1&&c=%7e', 'https://example.com/a?b=1&c=~'],
    ['https://example.com/?utm_source=x&id=1&UTM_Medium=y&gclid=z', 'https://example.com/?id=1'],
    [
      'https://example.com/?fbclid=a&msclkid=b&mc_cid=c&mc_eid=d&_ga=e&yclid=f&igshid=g',
      'https://example.com/',
    ],
    ['https://example.com/?PHPSESSID=abc&jsessionid=1&ASPSESSIONIDQQ=X', 'https://example.com/'],
    [`https://example.com/?sid=${SESSION}&a=b`, 'https://example.com/?a=b'],
    [
      'https://example.com/?sid=12&sessionid=summer-course-2024',
      'https://example.com/?sid=12&sessionid=summer-course-2024',
    ],
    ['https://example.com/?session_id=123e4567-e89b-12d3-a456-426614174000', 'https://example.com/'],
    ['https://example.com/?CFID=1&CFTOKEN=2&b', 'https://example.com/?b'],
    ['https://example.com/?cfid=1', 'https://example.com/?cfid=1'],
    [`https://example.com/a;jsessionid=${SESSION}.node1/b?c`, 'https://example.com/a/b?c'],
    ['https://example.com/a;v=1', 'https://example.com/a;v=1'],
    [' https://example.com/\n', 'https://example.com/'],
  ])('%s becomes %s, and stays so', (address, expected) => {
    expect(normalizePageUrl(address)).toBe(expected);
    expect(normalizePageUrl(expected)).toBe(expected);
  });

  it('resolves a link against its page', () => {
    const base = 'https://example.com/a/b?c#d';
    const resolved = ['../x', '?y', '#z', '//other.example/'].map((link) => normalizePageUrl(link, base));
    expect(resolved).toEqual([
      'https://example.com/x',
      'https://example.com/a/b?y',
      'https://example.com/a/b?c',
      'https://other.example/',
    ]);
  });

  it.each([
    'mailto:a@example.com',
    'javascript:void(0)',
    'ftp://example.com/',
    '/relative',
    'https://',
    'https://./',
    'https://user@example.com/',
    'https://user:secret@example.com/',
    `https://example.com/${'a'.repeat(2_000)}`,
    `https://example.com/${'ü'.repeat(1_000)}`,
    '',
  ])('is null for %s', (address) => {
    expect(normalizePageUrl(address)).toBeNull();
  });

  it('is null for a base that is none', () => {
    expect(normalizePageUrl('/a', 'nowhere')).toBeNull();
  });
});

describe('a path that repeats itself', () => {
  it.each([
    ['/a/b/a/b/a/b', true],
    ['/x/a/b/c/a/b/c/a/b/c/d', true],
    ['/en/en/en/', true],
    ['/a/b/a/b', false],
    ['/blog/11/11/11/news', false],
    ['/1/2/1/2/1/2', true],
    ['/a/1/a/2/a/3/a/4/a/5', false],
    ['/a/1/a/2/a/3/a/4/a/5/a', true],
    [`/${Array.from({ length: 31 }, (_value, index) => index).join('/')}`, true],
    [`/${Array.from({ length: 30 }, (_value, index) => index).join('/')}`, false],
    ['/', false],
  ])('%s: %s', (path, expected) => {
    expect(hasRepeatingPath(`https://example.com${path}`)).toBe(expected);
  });
});

describe('an address of media', () => {
  it.each(['a.jpg', 'a.PNG?b=c', 'a.svg', 'a.mp4', 'a.woff2', 'a.tar.gz', 'a.exe', 'a.css', 'a.min.js'])(
    '%s is one',
    (file) => {
      expect(isMediaUrl(`https://example.com/${file}`)).toBe(true);
    },
  );

  it.each(
    'a a.html a.pdf a.docx a.pptx a.xlsx a.csv a.epub a.json a.txt a.md a.xml a.php?b=c.jpg a.jpg/b'.split(
      ' ',
    ),
  )('%s is none', (file) => {
    expect(isMediaUrl(`https://example.com/${file}`)).toBe(false);
  });

  it('is not the host', () => {
    expect(isMediaUrl('https://example.zip')).toBe(false);
    expect(isMediaUrl('nothing.jpg')).toBe(false);
  });
});

describe.skipIf(urlTests.includes(null))('the addresses of the web platform tests', () => {
  it('never throws, and normalizing twice changes nothing', () => {
    const strings = urlTests.flatMap((file) =>
      stringsIn(JSON.parse(gunzipSync(readFileSync(file ?? '')).toString())),
    );
    expect(strings.length).toBeGreaterThan(10_000);
    const addresses = new Set(
      strings.flatMap((text) => [text, `http://example.com/${text}`, `https://${text}/x`]),
    );
    const unstable = [...addresses].filter((address) => {
      const url = normalizePageUrl(address, 'https://example.com/');
      return url !== null && normalizePageUrl(url) !== url;
    });
    expect(unstable).toEqual([]);
    expect([...addresses].filter((address) => hasRepeatingPath(address) && isMediaUrl(address))).toEqual([]);
  });
});

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
