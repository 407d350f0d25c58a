import { trimSpan } from './sentences.js';

type BlockKind = 'heading' | 'paragraph' | 'list' | 'table' | 'code';

/** A block of a document in UTF-16 offsets, without white space at its ends. `level` and `title`: of headings. */
export interface Block {
  kind: BlockKind;
  start: number;
  end: number;
  level: number;
  title: string;
}

export type TextFormat = 'markdown' | 'plain';

interface Line {
  start: number;
  end: number;
  /** The first characters of the line: enough to tell what it is, so that a huge line costs nothing. */
  prefix: string;
  isBlank: boolean;
}

const PREFIX_CHARACTERS = 256;
const TITLE_CHARACTERS = 200;

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+|$)/u;
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/u;
const FENCE = /^\s*(`{3,}|~{3,})/u;
const LIST_ITEM = /^[ \t]*(?:[-*+•]|\d{1,9}[.)])(?:[ \t]|$)/u;
const INDENTED = /^(?: {2,}|\t)/u;
const TABLE_ROW = /^[ \t]*\|/u;
const TABLE_RULE = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$/u;
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/u;

/**
 * The blocks of a document in order. In `plain` nothing is markup: paragraphs, parted by blank lines.
 * In `markdown`: headings (`#` and underlined), lists with what is indented under them, tables, fenced code.
 */
export function splitBlocks(content: string, format: TextFormat): Block[] {
  const blocks: Block[] = [];
  let open: { kind: BlockKind; start: number; end: number; lines: number } | null = null;
  let fence: string | null = null;

  const close = (): void => {
    if (open === null) return;
    const span = trimSpan(content, open);
    if (span !== null) blocks.push({ kind: open.kind, ...span, level: 0, title: '' });
    open = null;
  };
  const extend = (kind: BlockKind, line: Line): void => {
    if (open?.kind !== kind) {
      close();
      open = { kind, start: line.start, end: line.end, lines: 0 };
    }
    open.end = line.end;
    open.lines += 1;
  };
  const heading = (start: number, end: number, textStart: number, textEnd: number, level: number): void => {
    close();
    const span = trimSpan(content, { start, end });
    if (span === null) return;
    blocks.push({ kind: 'heading', ...span, level, title: titleOf(content, textStart, textEnd) });
  };

  let line = lineAt(content, 0);
  while (line !== null) {
    const next = lineAt(content, line.end + 1);
    const current = line;
    line = next;
    // `open` is written by the helpers above, which the compiler's flow analysis does not see.
    const opened = open as { kind: BlockKind; start: number; end: number; lines: number } | null;

    if (format === 'plain') {
      if (current.isBlank) close();
      else extend('paragraph', current);
      continue;
    }
    if (fence !== null) {
      extend('code', current);
      const mark = FENCE.exec(current.prefix)?.[1];
      if (mark?.startsWith(fence) === true && current.prefix.trim() === mark) {
        close();
        fence = null;
      }
      continue;
    }
    const isInsideList = opened?.kind === 'list' && INDENTED.test(current.prefix);
    const mark = isInsideList ? undefined : FENCE.exec(current.prefix)?.[1];
    if (mark !== undefined) {
      close();
      fence = mark;
      extend('code', current);
      continue;
    }
    if (current.isBlank) {
      // A blank line between two items, or before what is indented under one, does not end the list.
      const listGoesOn =
        opened?.kind === 'list' &&
        next !== null &&
        (next.isBlank || LIST_ITEM.test(next.prefix) || INDENTED.test(next.prefix));
      if (!listGoesOn) close();
      continue;
    }
    const marks = HEADING.exec(current.prefix);
    if (marks !== null) {
      const level = marks[1]?.length ?? 1;
      heading(current.start, current.end, current.start + marks[0].length, current.end, level);
    } else if (opened?.kind === 'paragraph' && opened.lines === 1 && UNDERLINE.test(current.prefix)) {
      open = null;
      const level = current.prefix.trimStart().startsWith('=') ? 1 : 2;
      heading(opened.start, current.end, opened.start, opened.end, level);
    } else if (RULE.test(current.prefix)) {
      close();
    } else if (isTableLine(current, next, opened?.kind)) {
      extend('table', current);
    } else if (LIST_ITEM.test(current.prefix) || opened?.kind === 'list') {
      extend('list', current);
    } else {
      extend('paragraph', current);
    }
  }
  close();
  return blocks;
}

/** Offsets at which the lines of a span start, the first included. */
export function lineStarts(content: string, start: number, end: number): number[] {
  const starts = [start];
  for (let at = content.indexOf('\n', start); at !== -1 && at + 1 < end; at = content.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

function lineAt(content: string, start: number): Line | null {
  if (start >= content.length) return null;
  const newline = content.indexOf('\n', start);
  const end = newline === -1 ? content.length : newline;
  const isCut = end - start > PREFIX_CHARACTERS;
  // The ellipsis keeps patterns that look at a whole line from matching the start of a longer one.
  const prefix = isCut ? `${content.slice(start, start + PREFIX_CHARACTERS)}…` : content.slice(start, end);
  return { start, end, prefix, isBlank: trimSpan(content, { start, end }) === null };
}

function isTableLine(line: Line, next: Line | null, openKind: BlockKind | undefined): boolean {
  if (TABLE_ROW.test(line.prefix)) return true;
  if (!line.prefix.includes('|')) return false;
  return openKind === 'table' || (next !== null && TABLE_RULE.test(next.prefix));
}

function titleOf(content: string, start: number, end: number): string {
  return content
    .slice(start, Math.min(end, start + TITLE_CHARACTERS))
    .replace(/[ \t]+#+[ \t]*$/u, '')
    .replaceAll(/(?:\*\*|__|`)/gu, '')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/gu, '$1')
    .replaceAll(/\s+/gu, ' ')
    .trim();
}
