import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { isPublicAddress } from './address-guard.js';
import { parsePageUrl } from './url-guard.js';

interface Vector {
  url: string;
  expect: 'block' | 'no-loopback';
  why: string;
}

const vectorsFile = new URL('../../../../../shared/data/corpora/ssrf/vectors.json', import.meta.url);
const parse = (text: string) => parsePageUrl(text, null, isPublicAddress);
const refusal = (reason: string) => expect.objectContaining({ name: 'SourceError', reason });

describe('parsePageUrl', () => {
  it('reads public addresses and drops the fragment', () => {
    expect(parse('https://example.com/a?b=c#d').href).toBe('https://example.com/a?b=c');
    expect(parse('http://example.com:8080/').port).toBe('8080');
    expect(parsePageUrl('../b', new URL('https://example.com/a/c'), isPublicAddress).href).toBe(
      'https://example.com/b',
    );
  });

  it.each([
    '',
    'example.com',
    'http://',
    'ftp://example.com/',
    'file:///etc/passwd',
    'https://user@example.com/',
    'https://:secret@example.com/',
  ])('refuses %j as no address of a page', (text) =>
    expect(() => parse(text)).toThrow(refusal('invalid_url')),
  );

  it.each([
    'http://example.com:22/',
    'http://example.com:6379/',
    'http://example.com:0/',
    'http://localhost./',
    'http://app.localhost/',
    'http://intranet/',
    'http://printer.local/',
    'http://metadata.google.internal/',
    'http://2130706433/',
    'http://[::ffff:7f00:1]/',
  ])('refuses %s as an address inside', (text) =>
    expect(() => parse(text)).toThrow(refusal('blocked_address')),
  );

  it('takes private addresses and names when they are allowed, and still refuses ports and schemes', () => {
    expect(parsePageUrl('http://localhost:3000/', null, null).host).toBe('localhost:3000');
    expect(parsePageUrl('http://10.0.0.1/', null, null).host).toBe('10.0.0.1');
    expect(() => parsePageUrl('http://localhost:6379/', null, null)).toThrow(refusal('blocked_address'));
    expect(() => parsePageUrl('file:///etc/passwd', null, null)).toThrow(refusal('invalid_url'));
  });

  it.skipIf(!existsSync(vectorsFile))(
    'withstands the shared SSRF vectors (skipped where they are absent)',
    () => {
      const vectors = JSON.parse(readFileSync(vectorsFile, 'utf8')) as Vector[];
      // Those that need servers are played in page-fetcher.test.ts.
      const addresses = vectors.filter(({ why }) => !why.includes('needs the local'));
      const passed = addresses.filter(({ url }) => outcomeOf(url) !== 'refused');
      expect(passed.map(({ url }) => outcomeOf(url))).toEqual(['example.com', 'example.com']);
      expect(passed.map((vector) => vector.expect)).toEqual(['no-loopback', 'no-loopback']);
      expect(addresses.length).toBeGreaterThan(40);
    },
  );
});

function outcomeOf(url: string): string {
  try {
    return parse(url).hostname;
  } catch {
    return 'refused';
  }
}
