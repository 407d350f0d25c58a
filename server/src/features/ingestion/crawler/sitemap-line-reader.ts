import type { SitemapEntry, SitemapReader } from './sitemap.js';

const MAX_LINE_LENGTH = 2_000;

/** Reads a sitemap with one address a line. Lines that are no http(s) address are left out. */
export function createLineReader(maxEntries: number): SitemapReader {
  const entries: SitemapEntry[] = [];
  let rest = '';
  let isFull = false;

  function readLine(line: string): void {
    const url = line.trim();
    if (url.length > MAX_LINE_LENGTH || !/^https?:\/\/\S+$/i.test(url)) return;
    if (entries.length >= maxEntries) isFull = true;
    else entries.push({ url, lastModified: null });
  }

  return {
    type: 'urlset',
    entries,
    write(text) {
      const lines = `${rest}${text}`.split(/[\r\n]+/);
      // A line that is too long stays too long without its end.
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH + 1);
      for (const line of lines) readLine(line);
      return !isFull;
    },
    end() {
      readLine(rest);
      return isFull;
    },
  };
}
