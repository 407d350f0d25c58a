import { leftOf, type PdfLine, widthOf } from './pdf-lines.js';

/** In font sizes. */
const INDENT_MIN = 0.8;
const INDENT_MAX = 5;
const DEFAULT_LEADING = 1.2;
const MAX_LEADING = 2.6;
/** A gap this much wider than the usual one between lines starts a paragraph. */
const PARAGRAPH_GAP = 1.3;
/** Lines whose sizes differ more are heading and text. */
const SIZE_TOLERANCE = 0.12;
/** A few lines narrower than this share of the document's text were not made to fill a column. */
const NARROW_SHARE = 0.3;
const PROSE_LINES = 4;
const LIST_ITEM = /^(?:[•‣◦⁃∙·*–—-]\s|\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]\s)/i;

/** How much of a line is looked at to see how it ends. */
const END_CHARACTERS = 80;
/** An address cut after one of its separators, or a range of numbers cut after its dash. */
const OPEN_END = /(?:https?:\/\/|www\.)(?:[^\s]*[/?&=_-])?$|\d[\u2012\u2013]$/;

/** The row of dots in a table of contents, as the lines write it. */
const LEADER = / \.\.\. \S{1,6}$/;

/** Joins a word that was parted at the end of a line; null when the hyphen parts nothing. */
export type HyphenJoiner = (line: string, nextLine: string) => string | null;

/** Lines of one size and one distance, one below the other, and what they have in common. */
interface Block {
  lines: PdfLine[];
  left: number;
  right: number;
  /** Whether the lines run on: most of them are full. */
  isProse: boolean;
}

/**
 * The lines of a page as text: wrapped lines joined, other line ends kept, paragraphs apart by an empty line.
 * `textWidth` is that of the document, in points (`widthOf`).
 */
export function paragraphsOf(
  lines: readonly PdfLine[],
  textWidth: number,
  joinHyphens: HyphenJoiner,
): string {
  const leading = usualLeading(lines);
  let text = '';
  let previous: PdfLine | null = null;
  for (const block of blocksOf(lines, leading).map((run) => measured(run, textWidth))) {
    for (const [index, line] of block.lines.entries()) {
      const content = contentOf(line);
      const joined = previous === null ? content : joinHyphens(text, content);
      if (previous === null) text = content;
      else if (index === 0) text = joinBlocks(text, previous, line, joined);
      else if (joined !== null && !previous.isRow) text = joined;
      else text += separatorInBlock(block, index) + content;
      previous = line;
    }
  }
  return text;
}

/** Joins two texts, of columns or pages, where the second goes on with the sentence of the first. */
export function continuationOf(text: string, next: string, joinHyphens: HyphenJoiner): string | null {
  if (!/^\p{Ll}/u.test(next)) return null;
  const joined = joinHyphens(text, next);
  if (joined !== null) return joined;
  return goesOn(text) ? `${text} ${next}` : null;
}

/**
 * Learns the words of a document, so that `infor-` + `mation` becomes one word and `well-` + `known` keeps its
 * hyphen when the document writes it so elsewhere.
 */
export function createHyphenJoiner(lines: Iterable<PdfLine>): HyphenJoiner {
  const words = new Set<string>();
  for (const line of lines) {
    for (const word of line.text.toLowerCase().match(/[\p{L}\p{M}]+(?:-[\p{L}\p{M}]+)*/gu) ?? [])
      words.add(word);
  }
  return (line, nextLine) => {
    if (OPEN_END.test(line.slice(-END_CHARACTERS))) return line + nextLine;
    const [, start = '', hyphen = ''] =
      /([\p{L}\p{M}\p{N}-]+)([-\u2010\u00ad])$/u.exec(line.slice(-END_CHARACTERS)) ?? [];
    const end = /^[\p{L}\p{M}\p{N}]+/u.exec(nextLine)?.[0] ?? '';
    if (start === '' || end === '') return null;
    const whole = line.slice(0, -1) + nextLine;
    if (hyphen === '\u00ad') return whole;
    const isParted = /\p{Ll}$/u.test(start) && /^\p{Ll}/u.test(end) && !start.includes('-');
    if (!isParted) return line + nextLine;
    const parted = (start + end).toLowerCase();
    return words.has(`${start}-${end}`.toLowerCase()) && !words.has(parted) ? line + nextLine : whole;
  };
}

/** The usual distance between baselines in font sizes: the median over the page. */
function usualLeading(lines: readonly PdfLine[]): number {
  const distances = lines
    .slice(1)
    .map((line, index) => (line.baseline - lines[index]!.baseline) / line.height)
    .filter((distance) => distance > 0.8 && distance < MAX_LEADING)
    .toSorted((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)] ?? DEFAULT_LEADING;
}

/** Runs of lines of one size and one distance, one below the other. */
function blocksOf(lines: readonly PdfLine[], leading: number): PdfLine[][] {
  const blocks: PdfLine[][] = [];
  for (const line of lines) {
    const block = blocks.at(-1);
    const previous = block?.at(-1);
    if (block !== undefined && previous !== undefined && follows(previous, line, leading)) block.push(line);
    else blocks.push([line]);
  }
  return blocks;
}

function follows(previous: PdfLine, line: PdfLine, leading: number): boolean {
  if (previous.isTable || line.isTable || previous.headingLevel > 0 || line.headingLevel > 0) return false;
  const size = Math.max(previous.height, line.height);
  const distance = line.baseline - previous.baseline;
  if (previous.turn !== line.turn || distance <= 0 || distance > leading * size * PARAGRAPH_GAP) return false;
  if (line.left > previous.right || line.right < previous.left) return false;
  return Math.abs(previous.height - line.height) <= size * SIZE_TOLERANCE;
}

function contentOf(line: PdfLine): string {
  return line.headingLevel === 0 ? line.text.trim() : `${'#'.repeat(line.headingLevel)} ${line.text.trim()}`;
}

function joinBlocks(text: string, previous: PdfLine, line: PdfLine, joined: string | null): string {
  const content = contentOf(line);
  if (previous.headingLevel > 0) return `${text}\n\n${content}`;
  const isNextColumn = line.baseline < previous.baseline && previous.turn === line.turn;
  const isNearBelow = !isNextColumn && line.baseline - previous.baseline < previous.height * MAX_LEADING;
  if (joined !== null && (isNextColumn || isNearBelow) && /^\p{Ll}/u.test(content)) return joined;
  if (isNextColumn && goesOn(text) && /^\p{Ll}/u.test(content)) return `${text} ${content}`;
  return `${text}\n\n${content}`;
}

/** Whether a sentence is open at the end of a text. */
function goesOn(text: string): boolean {
  return /[\p{Ll},;]/u.test(text.slice(-1));
}

function measured(lines: PdfLine[], textWidth: number): Block {
  const left = leftOf(lines);
  const right = left + widthOf(lines);
  const wrapped = lines.filter((_, index) => index > 0 && isWrapped(lines, index, right)).length;
  const isWide = lines.length >= PROSE_LINES || right - left > textWidth * NARROW_SHARE;
  return { lines, left, right, isProse: isWide && wrapped * 2 >= lines.length - 1 };
}

function separatorInBlock({ lines, left, right, isProse }: Block, index: number): string {
  const previous = lines[index - 1]!;
  const line = lines[index]!;
  if (previous.isRow || line.isRow || LIST_ITEM.test(line.text) || LEADER.test(previous.text)) return '\n';
  if (isIndentedStart(lines, index, left)) return '\n\n';
  // Where most lines end by themselves (verse, addresses, lists), the longest one did so too.
  const runsOn = isProse || /^\p{Ll}/u.test(line.text);
  return runsOn && isWrapped(lines, index, right) ? ' ' : '\n';
}

/** Whether the line above was full: the first word of this one had no room there. */
function isWrapped(lines: readonly PdfLine[], index: number, right: number): boolean {
  return lines[index - 1]!.right + widthOfFirstWord(lines[index]!) > right;
}

/** A first line set in from the margin that the lines around it keep to. */
function isIndentedStart(lines: readonly PdfLine[], index: number, margin: number): boolean {
  const previous = lines[index - 1]!;
  const line = lines[index]!;
  const next = lines[index + 1];
  const indent = (line.left - previous.left) / line.height;
  if (indent < INDENT_MIN || indent > INDENT_MAX || LIST_ITEM.test(previous.text)) return false;
  return next === undefined
    ? previous.left === margin
    : Math.abs(next.left - previous.left) < line.height * INDENT_MIN;
}

/** The width that the first word and the blank before it would have needed on the line above. */
function widthOfFirstWord(line: PdfLine): number {
  const characters = line.text.trim().split(/\s/, 1)[0]?.length ?? 0;
  const characterWidth = (line.right - line.left) / Math.max(1, line.text.length);
  // The last word of a full line may stop a little short of the edge, as in ragged text.
  return characterWidth * (characters + 1.5);
}
