import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import { parseSitemap } from './sitemap.js';

const LIMITS = { maxEntries: 100, maxBytes: 1_000_000 };
const HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"';

const parse = (text: string) => parseSitemap(Buffer.from(text), LIMITS);
const urlset = (content: string) => `${HEADER}<urlset ${NAMESPACE}>${content}</urlset>`;
const urlsOf = (text: string) => parse(text).entries.map(({ url }) => url);
const pages = (count: number) =>
  Array.from({ length: count }, (_page, index) => `<url><loc>https://e.example/${index}</loc></url>\n`).join(
    '',
  );

describe('a sitemap in XML', () => {
  it('gives addresses and dates', () => {
    const text = urlset(
      '<url><loc>\n https://e.example/a </loc><lastmod>2024-05-06</lastmod><priority>1</priority></url>' +
        '<url><lastmod>2024-05-06T07:08:09+02:00</lastmod><loc>https://e.example/b</loc></url>' +
        '<url><loc>https://e.example/c</loc><lastmod>yesterday</lastmod></url><url/>',
    );
    expect(parse(text)).toEqual({
      type: 'urlset',
      entries: [
        { url: 'https://e.example/a', lastModified: new Date('2024-05-06T00:00:00Z') },
        { url: 'https://e.example/b', lastModified: new Date('2024-05-06T05:08:09Z') },
        { url: 'https://e.example/c', lastModified: null },
      ],
      isTruncated: false,
    });
  });

  it('can be an index', () => {
    const text = `<sitemapindex ${NAMESPACE}><sitemap><loc>https://e.example/1.xml.gz</loc><lastmod>2024-05</lastmod></sitemap></sitemapindex>`;
    expect(parse(text)).toEqual({
      type: 'index',
      entries: [{ url: 'https://e.example/1.xml.gz', lastModified: new Date('2024-05-01T00:00:00Z') }],
      isTruncated: false,
    });
  });

  it('may have prefixes, and pictures that are no pages', () => {
    const text =
      '<s:urlset xmlns:s="a" xmlns:image="b"><s:url><s:loc>https://e.example/a</s:loc>' +
      '<image:image><image:loc>https://e.example/a.jpg</image:loc></image:image></s:url></s:urlset>';
    expect(urlsOf(text)).toEqual(['https://e.example/a']);
  });

  it('may hold entities, CDATA and ampersands that are not escaped', () => {
    const text = urlset(
      '<url><loc>https://e.example/?a=1&amp;b=&#50;</loc></url>' +
        '<url><loc><![CDATA[https://e.example/?a=1&b=2]]></loc></url>' +
        '<url><loc>https://e.example/?a=1&b=2&copy=3</loc></url>',
    );
    expect(urlsOf(text)).toEqual([
      'https://e.example/?a=1&b=2',
      'https://e.example/?a=1&b=2',
      'https://e.example/?a=1&b=2&copy=3',
    ]);
  });

  it('reads entities and marks that are cut by the end of a piece', () => {
    for (let padding = 65_480; padding < 65_550; padding += 1) {
      const text = urlset(
        `<!--${'x'.repeat(padding - 120)}--><url><loc>https://e.example/ü?a&amp;b&c</loc></url>`,
      );
      expect(urlsOf(text)).toEqual(['https://e.example/ü?a&b&c']);
    }
  });

  it('never expands what its document type declares', () => {
    const text = `<!DOCTYPE urlset [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>
      <urlset><url><loc>https://e.example/&b;&x;</loc></url></urlset>`;
    expect(urlsOf(text)).toEqual(['https://e.example/&b;&x;']);
  });

  it('keeps what was read until it breaks off', () => {
    expect(parse(`<urlset>${pages(2)}<url><loc>https://e.example/2</lo`)).toEqual({
      type: 'urlset',
      entries: [0, 1].map((index) => ({ url: `https://e.example/${index}`, lastModified: null })),
      isTruncated: true,
    });
    expect(parse('<urlset><url><loc>https://e.example/0</loc>')).toMatchObject({
      entries: [{ url: 'https://e.example/0' }],
      isTruncated: true,
    });
  });

  it('goes on after errors of form', () => {
    const text = `\n ${HEADER}<urlset><url><loc>https://e.example/a</loc></b></url><url><loc>https://e.example/b</loc></url></urlset>`;
    expect(urlsOf(text)).toEqual(['https://e.example/a', 'https://e.example/b']);
    expect(urlsOf(urlset('<url><loc>https://e.example/a</loc><url><loc>https://e.example/b</loc>'))).toEqual([
      'https://e.example/a',
      'https://e.example/b',
    ]);
  });

  it('stops at too many errors and at too many levels', () => {
    const broken = `<urlset>${pages(1)}<a>${'\u0001'.repeat(200_000)}</a>${pages(2)}</urlset>`;
    expect(parse(broken)).toMatchObject({ entries: [{ url: 'https://e.example/0' }], isTruncated: true });
    const tag = parse(`<urlset>${pages(1)}<a ${'b="" '.repeat(150_000)}>${pages(2)}</urlset>`);
    expect(tag).toMatchObject({ entries: [{ url: 'https://e.example/0' }], isTruncated: true });
    const deep = `<urlset>${pages(1)}${'<a>'.repeat(100_000)}`;
    expect(parse(deep)).toMatchObject({ entries: [{ url: 'https://e.example/0' }], isTruncated: true });
  });

  it('stops when no entry comes for a long time', () => {
    const limits = { maxEntries: 100, maxBytes: 10_000_000 };
    const silent = (length: number) =>
      parseSitemap(Buffer.from(urlset(`${pages(1)}<a>${'x'.repeat(length)}</a>${pages(2)}`)), limits);
    expect(silent(3_000_000)).toMatchObject({ entries: { length: 3 }, isTruncated: false });
    expect(silent(5_000_000)).toMatchObject({ entries: { length: 1 }, isTruncated: true });
  });

  it('has no entries when it is another document', () => {
    const page = '<!doctype html><html><body><url><loc>https://e.example/a</loc></url></body></html>';
    expect(parse(page)).toEqual({ type: 'urlset', entries: [], isTruncated: false });
  });
});

describe('a feed', () => {
  it('in RSS gives the links of its items', () => {
    const text =
      '<rss xmlns:atom="a"><channel><link>https://e.example/</link><atom:link href="https://e.example/feed" rel="self"/>' +
      '<item><title>A</title><link>https://e.example/a</link><pubDate>Mon, 06 May 2024 07:08:09 +0200</pubDate></item>' +
      '<item><link>https://e.example/b</link><pubDate>soon</pubDate></item></channel></rss>';
    expect(parse(text)).toEqual({
      type: 'urlset',
      entries: [
        { url: 'https://e.example/a', lastModified: new Date('2024-05-06T05:08:09Z') },
        { url: 'https://e.example/b', lastModified: null },
      ],
      isTruncated: false,
    });
  });

  it('in RSS 1.0 and Atom, too', () => {
    expect(urlsOf('<rdf:RDF><channel/><item><link>https://e.example/a</link></item></rdf:RDF>')).toEqual([
      'https://e.example/a',
    ]);
    const atom =
      '<feed><link href="https://e.example/"/><entry><link rel="edit" href="https://e.example/edit"/>' +
      '<link rel="alternate" href="https://e.example/a?b&amp;c"/><published>2024-01-01T00:00:00Z</published>' +
      '<updated>2024-02-01T00:00:00Z</updated></entry></feed>';
    expect(parse(atom).entries).toEqual([
      { url: 'https://e.example/a?b&c', lastModified: new Date('2024-02-01T00:00:00Z') },
    ]);
  });
});

describe('a sitemap in plain text', () => {
  it('gives its lines that are addresses', () => {
    const text =
      '\ufeffhttps://e.example/a\r\n\r\n  https://e.example/b \nno address\nhttps://e.example/c d\nhttp://e.example/e';
    expect(parse(text)).toEqual({
      type: 'urlset',
      entries: ['https://e.example/a', 'https://e.example/b', 'http://e.example/e'].map((url) => ({
        url,
        lastModified: null,
      })),
      isTruncated: false,
    });
    expect(parse('')).toEqual({ type: 'urlset', entries: [], isTruncated: false });
  });

  it('passes over a line that is too long', () => {
    expect(urlsOf(`https://e.example/${'a'.repeat(300_000)}\nhttps://e.example/b`)).toEqual([
      'https://e.example/b',
    ]);
  });
});

describe('the bytes of a sitemap', () => {
  const text = urlset('<url><loc>https://e.example/ü</loc></url>');

  it.each([
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16LE', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16BE', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['a declared charset', Buffer.from(text.replace('UTF-8', 'ISO-8859-1'), 'latin1')],
    ['a charset that does not exist', Buffer.from(text.replace('UTF-8', 'no-such-set'))],
    ['gzip', gzipSync(text)],
    ['gzip of several members', Buffer.concat([gzipSync(text.slice(0, 50)), gzipSync(text.slice(50))])],
  ])('can be %s', (_name, bytes) => {
    expect(parseSitemap(bytes, LIMITS)).toEqual({
      type: 'urlset',
      entries: [{ url: 'https://e.example/ü', lastModified: null }],
      isTruncated: false,
    });
  });

  it('end at the limit of entries', () => {
    const three = parseSitemap(Buffer.from(urlset(pages(3))), { ...LIMITS, maxEntries: 3 });
    expect([three.entries.length, three.isTruncated]).toEqual([3, false]);
    const four = parseSitemap(Buffer.from(urlset(pages(4))), { ...LIMITS, maxEntries: 3 });
    expect([four.entries.length, four.isTruncated]).toEqual([3, true]);
    const lines = parseSitemap(Buffer.from('http://a.example/1\nhttp://a.example/2'), {
      ...LIMITS,
      maxEntries: 1,
    });
    expect(lines).toMatchObject({ entries: [{ url: 'http://a.example/1' }], isTruncated: true });
  });

  it('end at the limit of bytes, packed or not', () => {
    const whole = Buffer.from(urlset(pages(50)));
    for (const bytes of [whole, gzipSync(whole)]) {
      const { entries, isTruncated } = parseSitemap(bytes, { ...LIMITS, maxBytes: 1_000 });
      expect(isTruncated).toBe(true);
      expect(entries.length).toBe(urlset(pages(50)).slice(0, 1_000).split('</loc>').length - 1);
    }
  });

  it('of a bomb give what was read until the limit', () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(`<urlset>${pages(2)}`), Buffer.alloc(60_000_000, ' ')]));
    expect(bomb.length).toBeLessThan(100_000);
    expect(parseSitemap(bomb, LIMITS)).toMatchObject({
      entries: [{ url: 'https://e.example/0' }, { url: 'https://e.example/1' }],
      isTruncated: true,
    });
  });

  it('of a broken packing give what was read until then', () => {
    const packed = gzipSync(urlset(pages(5_000)));
    const limits = { maxEntries: 10_000, maxBytes: 10_000_000 };
    const half = parseSitemap(packed.subarray(0, packed.length / 2), limits);
    expect(half.isTruncated).toBe(true);
    expect(half.entries.length).toBeGreaterThan(100);
    expect(half.entries.length).toBeLessThan(5_000);
    expect(parseSitemap(packed, limits)).toMatchObject({ entries: { length: 5_000 }, isTruncated: false });

    const noEnd = Buffer.alloc(2_000_000, 'x');
    noEnd.set([0x1f, 0x8b, 8, 8]);
    expect(parseSitemap(noEnd, limits)).toEqual({ type: 'urlset', entries: [], isTruncated: true });
    expect(parseSitemap(Buffer.from([0x1f, 0x8b]), limits)).toMatchObject({ entries: [], isTruncated: true });
  });
});
