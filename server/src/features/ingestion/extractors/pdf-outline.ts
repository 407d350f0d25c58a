import type { getDocumentProxy } from 'unpdf';

import type { PdfLine } from './pdf-lines.js';

type PdfFile = Awaited<ReturnType<typeof getDocumentProxy>>;

interface Bookmark {
  title: string;
  /** Counted from 1. */
  level: number;
  /** Counted from 0. */
  page: number;
}

interface OutlineItem {
  title: string;
  dest: unknown;
  items: OutlineItem[];
}

const MAX_BOOKMARKS = 2_000;
const MAX_LEVEL = 6;
/** A title longer than its line goes on in the next. */
const MAX_TITLE_LINES = 3;

/** The bookmarks of a PDF in the order of the outline; none where it is broken. */
export async function readBookmarks(file: PdfFile): Promise<Bookmark[]> {
  const outline = ((await file.getOutline().catch(() => null)) ?? []) as OutlineItem[];
  const bookmarks: Bookmark[] = [];
  const waiting = outline.toReversed().map((item) => ({ item, level: 1 }));
  while (waiting.length > 0 && bookmarks.length < MAX_BOOKMARKS) {
    const { item, level } = waiting.pop()!;
    const page = await pageOf(file, item.dest).catch(() => null);
    if (page !== null) bookmarks.push({ title: item.title, level: Math.min(level, MAX_LEVEL), page });
    waiting.push(...item.items.toReversed().map((child) => ({ item: child, level: level + 1 })));
  }
  return bookmarks;
}

/** The pages with the lines that bookmarks name marked as headings; a bookmark without such a line marks nothing. */
export function withHeadings(pages: readonly PdfLine[][], bookmarks: readonly Bookmark[]): PdfLine[][] {
  const marked = pages.map((lines) => [...lines]);
  const letters = new Map<PdfLine, string>();
  const lettersOnce = (line: PdfLine) => {
    const known = letters.get(line) ?? lettersOf(line.text);
    letters.set(line, known);
    return known;
  };
  for (const { title, level, page } of bookmarks) {
    const lines = marked[page];
    const place = lines === undefined ? null : findTitle(lines, title, lettersOnce);
    if (lines === undefined || place === null) continue;
    const parts = lines.slice(place.start, place.start + place.count);
    const text = parts.map((line) => line.text.trim().replaceAll(' | ', ' ')).join(' ');
    lines.splice(place.start, place.count, { ...parts[0]!, text, isRow: false, headingLevel: level });
  }
  return marked;
}

/** Explicit destinations name a page, others are looked up (PDF 32000-1, 12.3.2). */
async function pageOf(file: PdfFile, dest: unknown): Promise<number | null> {
  const place: unknown = typeof dest === 'string' ? await file.getDestination(dest) : dest;
  const target: unknown = Array.isArray(place) ? place[0] : null;
  if (typeof target === 'number') return target;
  if (typeof target !== 'object' || target === null) return null;
  return file.getPageIndex(target as Parameters<PdfFile['getPageIndex']>[0]);
}

/** The largest of the lines that say the title, with or without its number. */
function findTitle(
  lines: readonly PdfLine[],
  title: string,
  lettersOnce: (line: PdfLine) => string,
): { start: number; count: number } | null {
  const wanted = withoutNumber(lettersOf(title));
  let best: { start: number; count: number } | null = null;
  if (wanted === '') return best;
  for (const [start, line] of lines.entries()) {
    let text = '';
    for (let count = 1; count <= MAX_TITLE_LINES && start + count <= lines.length; count += 1) {
      const next = lines[start + count - 1]!;
      if (next.isTable || next.headingLevel > 0 || text.length > wanted.length * 2) break;
      text += lettersOnce(next);
      const isTitle = withoutNumber(text) === wanted;
      if (isTitle && (best === null || line.height > lines[best.start]!.height)) best = { start, count };
    }
  }
  return best;
}

function lettersOf(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '');
}

function withoutNumber(letters: string): string {
  return letters.replace(/^\d+(?=\D)/, '');
}
