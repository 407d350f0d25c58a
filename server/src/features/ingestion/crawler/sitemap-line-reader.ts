import type { EntryTaker, SitemapReader } from './sitemap-reader.js';

const MAX_LINE_LENGTH = 2_000;

/** Reads a sitemap with one address a line. Lines that are no http(s) address are left out. */
export function createLineReader(takeEntry: EntryTaker): SitemapReader {
  let rest = '';

  function readLine(line: string): boolean {
    const url = line.trim();
    if (url.length > MAX_LINE_LENGTH || !/^https?:\/\/\S+$/i.test(url)) return true;
    return takeEntry(url, null);
  }

  return {
    type: 'urlset',
    write(text) {
      const lines = `${rest}${text}`.split(/[\r\n]+/);
      // A line that is too long stays too long without its end.
      rest = (lines.pop() ?? '').slice(0, MAX_LINE_LENGTH + 1);
      return lines.every(readLine);
    },
    end() {
      readLine(rest);
      return false;
    },
  };
}
