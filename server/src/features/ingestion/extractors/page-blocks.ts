import { createHash } from 'node:crypto';

const HASH_CHARACTERS = 12;
const FENCE = /^\s*(`{3,}|~{3,})/;
const HEADING = /^(#{1,6})\s/;
const ITEM = /^\s*(?:-|\d+\.)\s/;
const TABLE_ROW = /^\s*\|.*\|$/;
const DELIMITER_ROW = /^\s*\|(?: --- \|)+$/;

/** A piece of Markdown that stands or falls as one: `tableRow` and `code` only together with what is around them. */
export interface PageBlock {
  kind: 'heading' | 'paragraph' | 'item' | 'tableRow' | 'code';
  /** Of a heading; 0 for all others. */
  level: number;
  /** Offsets of its lines in the Markdown, without the line feed at the end. */
  start: number;
  end: number;
  /** Tells the block by what it says: kind and text, however its blanks are set and however deep it stands. */
  hash: string;
}

/** Splits the Markdown of a page, as this program writes it, into blocks: paragraphs, headings, list items, table rows. */
export function splitBlocks(markdown: string): PageBlock[] {
  const blocks: PageBlock[] = [];
  let open: OpenBlock | null = null;
  let position = 0;

  function close(): void {
    if (open !== null) blocks.push(finished(open, markdown));
    open = null;
  }

  for (const line of markdown.split('\n')) {
    const end = position + line.length;
    const before: OpenBlock | null = open;
    if (before?.kind === 'code') {
      before.end = end;
      if (isClosing(line, before.fence)) close();
    } else if (line.trim() === '') {
      // An empty line ends all but an item, whose next paragraph is indented.
      if (before !== null && before.kind !== 'item') close();
    } else if (before !== null && continues(before, line)) {
      before.end = end;
    } else {
      close();
      if (!DELIMITER_ROW.test(line)) open = opened(line, position);
    }
    position = end + 1;
  }
  close();
  return blocks;
}

interface OpenBlock {
  kind: PageBlock['kind'];
  level: number;
  start: number;
  end: number;
  fence: string;
  indent: number;
}

function opened(line: string, start: number): OpenBlock {
  const block = { level: 0, start, end: start + line.length, fence: '', indent: 0 };
  const fence = FENCE.exec(line)?.[1];
  if (fence !== undefined) return { ...block, kind: 'code', fence };
  const heading = HEADING.exec(line)?.[1];
  if (heading !== undefined) return { ...block, kind: 'heading', level: heading.length };
  if (TABLE_ROW.test(line)) return { ...block, kind: 'tableRow' };
  if (!ITEM.test(line)) return { ...block, kind: 'paragraph' };
  return { ...block, kind: 'item', indent: line.length - line.trimStart().length };
}

function continues(block: OpenBlock, line: string): boolean {
  if (block.kind === 'heading' || block.kind === 'tableRow') return false;
  if (FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || TABLE_ROW.test(line)) return false;
  return block.kind === 'paragraph' || line.length - line.trimStart().length > block.indent;
}

/** A fence is closed by the same mark, at least as long, with nothing after it (CommonMark 0.31, 4.5). */
function isClosing(line: string, fence: string): boolean {
  const mark = line.trim();
  return mark.startsWith(fence) && mark === (mark[0] ?? '').repeat(mark.length);
}

function finished(block: OpenBlock, markdown: string): PageBlock {
  const { kind, level, start, end } = block;
  const text = markdown
    .slice(start, end)
    .replace(kind === 'item' ? ITEM : kind === 'heading' ? HEADING : '', '')
    .replace(/\s+/g, ' ')
    .trim();
  const hash = createHash('sha256').update(`${kind}\n${text}`).digest('hex').slice(0, HASH_CHARACTERS);
  return { kind, level, start, end, hash };
}
