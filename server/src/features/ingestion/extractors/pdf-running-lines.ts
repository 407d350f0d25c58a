import type { PdfLine } from './pdf-lines.js';

/** How many lines at each end of a page can be a running head or foot. */
const EDGE_LINES = 2;
const MIN_PAGES = 3;
const MIN_SHARE_OF_PAGES = 0.5;
const PLACE_POINTS = 6;

/**
 * Drops running heads, running feet and page numbers: lines that come back at the same place of page after page,
 * numbers aside. The first of each is kept if it says something, so that nothing of the text is lost.
 */
export function withoutRunningLines(pages: readonly PdfLine[][]): PdfLine[][] {
  const counts = new Map<string, number>();
  for (const page of pages) {
    for (const key of new Set(edgesOf(page).map(keyOf))) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const needed = Math.max(MIN_PAGES, pages.length * MIN_SHARE_OF_PAGES);
  const kept = new Set<string>();
  return pages.map((page) => {
    const edges = new Set(edgesOf(page));
    return page.filter((line) => {
      const key = keyOf(line);
      if (!edges.has(line) || (counts.get(key) ?? 0) < needed) return true;
      const isFirst = saysSomething(line.text) && !kept.has(key);
      kept.add(key);
      return isFirst;
    });
  });
}

function edgesOf(page: readonly PdfLine[]): PdfLine[] {
  const byHeight = page
    .filter((line) => line.turn === 0 && !line.isTable)
    .toSorted((a, b) => a.baseline - b.baseline);
  if (byHeight.length <= EDGE_LINES * 2) return byHeight;
  return [...byHeight.slice(0, EDGE_LINES), ...byHeight.slice(-EDGE_LINES)];
}

function keyOf(line: PdfLine): string {
  return `${Math.round(line.baseline / PLACE_POINTS)} ${line.text.replace(/\d+/g, '#').replace(/\s+/g, ' ').trim()}`;
}

/** More than a page number: `3`, `- 3 -`, `Page 3 of 9`, `iv`. */
function saysSomething(text: string): boolean {
  return (
    text.replace(/\b(?:page|of|seite|von|sur|de)\b|[ivxlc]+\b/gi, '').replace(/[^\p{L}]/gu, '').length > 2
  );
}
