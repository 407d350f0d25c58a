import { createFeedReader } from './sitemap-feed-reader.js';
import { createLineReader } from './sitemap-line-reader.js';
import { readSitemapText } from './sitemap-text.js';

/** A page of a sitemap, or of an index a sitemap. The address is as written and may be relative. */
export interface SitemapEntry {
  url: string;
  lastModified: Date | null;
}

/** Takes the text of a sitemap piece by piece; `write` returns whether it wants more. */
export interface SitemapReader {
  type: 'urlset' | 'index';
  entries: SitemapEntry[];
  write(text: string): boolean;
  /** Returns whether something is missing. */
  end(): boolean;
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
  let reader: SitemapReader | null = null;
  const isCut = readSitemapText(body, limits.maxBytes, (text) => {
    if (reader !== null) return reader.write(text);
    const content = text.trimStart();
    reader = content.startsWith('<')
      ? createFeedReader(limits.maxEntries)
      : createLineReader(limits.maxEntries);
    return reader.write(content);
  });
  const read: SitemapReader = reader ?? createLineReader(limits.maxEntries);
  // First, because the end also gives out the last entry.
  const isMissing = read.end();
  return { type: read.type, entries: read.entries, isTruncated: isCut || isMissing };
}
