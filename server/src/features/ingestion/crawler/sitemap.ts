import { createFeedReader } from './sitemap-feed-reader.js';
import { createLineReader } from './sitemap-line-reader.js';
import type { SitemapReader } from './sitemap-reader.js';
import { readSitemapText } from './sitemap-text.js';

/** A page of a sitemap, or of an index a sitemap. The address is as written and may be relative. */
export interface SitemapEntry {
  url: string;
  lastModified: Date | null;
}

/**
 * The entries of a sitemap (sitemaps.org 0.9), packed or not: XML, one address a line, RSS or Atom. Whatever is wrong
 * with it, what was read until then is kept and `isTruncated` says that there was more.
 *
 * @param limits `maxBytes` counts unpacked bytes
 */
export function parseSitemap(
  body: Uint8Array,
  limits: { maxEntries: number; maxBytes: number },
): { type: 'urlset' | 'index'; entries: SitemapEntry[]; isTruncated: boolean } {
  const entries: SitemapEntry[] = [];
  let isFull = false;
  const takeEntry = (url: string, lastModified: Date | null): boolean => {
    isFull = entries.length >= limits.maxEntries;
    if (!isFull) entries.push({ url, lastModified });
    return !isFull;
  };

  let reader: SitemapReader | undefined;
  const isCut = readSitemapText(body, limits.maxBytes, (text) => {
    if (reader !== undefined) return reader.write(text);
    const content = text.trimStart();
    reader = content.startsWith('<') ? createFeedReader(takeEntry) : createLineReader(takeEntry);
    return reader.write(content);
  });
  const read: SitemapReader = reader ?? createLineReader(takeEntry);
  const breaksOff = read.end();
  return { type: read.type, entries, isTruncated: isCut || breaksOff || isFull };
}
