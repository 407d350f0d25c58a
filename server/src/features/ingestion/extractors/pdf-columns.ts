import { leftOf, type PdfLine, widthOf } from './pdf-lines.js';

const GRID_POINTS = 2;
const MIN_COLUMN_LINES = 5;
/** Titles, figures and footers may cross a gutter; if more does, there is none. */
const MAX_CROSSING_SHARE = 0.15;
/** Lines of prose fill their column; cells of a table do not. */
const MIN_PROSE_FILL = 0.6;
/** A gutter lies between these shares of the width of the text. */
const GUTTER_FROM = 0.2;
const GUTTER_TO = 0.8;
const MAX_DEPTH = 2;

/** The x positions, from left to right, that part columns of prose. */
export function guttersOf(fragments: readonly PdfLine[], depth = 0): number[] {
  const upright = fragments.filter((fragment) => fragment.turn === 0);
  if (depth > MAX_DEPTH || upright.length < MIN_COLUMN_LINES * 2) return [];
  const left = leftOf(upright);
  const right = left + widthOf(upright);
  const gutter = emptiestPlace(upright, left, right);
  const before = upright.filter((fragment) => fragment.right <= gutter);
  const after = upright.filter((fragment) => fragment.left >= gutter);
  const crossing = upright.length - before.length - after.length;
  if (crossing > upright.length * MAX_CROSSING_SHARE || !standSideBySide(before, after)) return [];
  if (!isProse(before, left, gutter) || !isProse(after, gutter, right)) return [];
  return [...guttersOf(before, depth + 1), gutter, ...guttersOf(after, depth + 1)];
}

/**
 * The fragments in reading order: by columns where the page has gutters; else as drawn, which is how programs
 * mean it to be read, except that what stands above comes first.
 */
export function inReadingOrder(fragments: readonly PdfLine[], gutters: readonly number[]): PdfLine[] {
  const upright = fragments.filter((fragment) => fragment.turn === 0);
  const turned = fragments.filter((fragment) => fragment.turn !== 0);
  return [...(gutters.length === 0 ? aboveFirst(upright) : byColumns(upright, gutters)), ...turned];
}

/** The column of a fragment, counted from the left; -1 when it crosses a gutter. */
export function columnOf(fragment: PdfLine, gutters: readonly number[]): number {
  const column = gutters.filter((gutter) => fragment.left >= gutter).length;
  return fragment.right > (gutters[column] ?? Number.POSITIVE_INFINITY) ? -1 : column;
}

function emptiestPlace(fragments: readonly PdfLine[], left: number, right: number): number {
  const from = left + (right - left) * GUTTER_FROM;
  const to = left + (right - left) * GUTTER_TO;
  const middle = (left + right) / 2;
  let best = { crossing: Number.POSITIVE_INFINITY, offset: 0, place: middle };
  for (let place = from; place <= to; place += GRID_POINTS) {
    const crossing = fragments.filter((fragment) => fragment.left < place && fragment.right > place).length;
    const offset = Math.abs(place - middle);
    if (crossing < best.crossing || (crossing === best.crossing && offset < best.offset)) {
      best = { crossing, offset, place };
    }
  }
  return best.place;
}

function standSideBySide(before: readonly PdfLine[], after: readonly PdfLine[]): boolean {
  if (before.length < MIN_COLUMN_LINES || after.length < MIN_COLUMN_LINES) return false;
  const top = Math.max(...[before, after].map((side) => Math.min(...side.map((line) => line.baseline))));
  const bottom = Math.min(...[before, after].map((side) => Math.max(...side.map((line) => line.baseline))));
  return [before, after].every(
    (side) =>
      side.filter((line) => line.baseline >= top && line.baseline <= bottom).length >= MIN_COLUMN_LINES,
  );
}

function isProse(lines: readonly PdfLine[], left: number, right: number): boolean {
  const widths = lines.map((line) => line.right - line.left).toSorted((a, b) => a - b);
  return (widths[Math.floor(widths.length / 2)] ?? 0) >= (right - left) * MIN_PROSE_FILL;
}

/** Whatever crosses the gutters parts the page into bands; in each, column by column from top to bottom. */
function byColumns(fragments: readonly PdfLine[], gutters: readonly number[]): PdfLine[] {
  const bands = fragments
    .filter((fragment) => columnOf(fragment, gutters) === -1)
    .map((fragment) => fragment.baseline)
    .toSorted((a, b) => a - b);
  const places = fragments.map((fragment) => ({
    fragment,
    band: bands.filter((baseline) => baseline < fragment.baseline).length,
    column: columnOf(fragment, gutters),
  }));
  // What crosses closes its own band: it comes after the columns above it.
  const rank = (column: number) => (column === -1 ? gutters.length + 1 : column);
  return places
    .toSorted(
      (a, b) =>
        a.band - b.band ||
        rank(a.column) - rank(b.column) ||
        a.fragment.baseline - b.fragment.baseline ||
        a.fragment.left - b.fragment.left,
    )
    .map(({ fragment }) => fragment);
}

interface Block {
  lines: PdfLine[];
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Keeps the order of drawing, but moves each block before the first one that lies wholly below it. */
function aboveFirst(fragments: readonly PdfLine[]): PdfLine[] {
  const ordered: Block[] = [];
  for (const block of blocksOf(fragments)) {
    const place = ordered.findIndex((other) => block.bottom < other.top && overlap(block, other));
    ordered.splice(place === -1 ? ordered.length : place, 0, block);
  }
  return ordered.flatMap((block) => block.lines);
}

/** Runs of fragments that follow each other down the page. */
function blocksOf(fragments: readonly PdfLine[]): Block[] {
  const blocks: Block[] = [];
  for (const line of fragments) {
    const top = line.baseline - line.height;
    const block = blocks.at(-1);
    const box = { left: line.left, right: line.right, top, bottom: line.baseline };
    if (block === undefined || line.baseline < block.bottom - line.height / 2) {
      blocks.push({ lines: [line], ...box });
      continue;
    }
    block.lines.push(line);
    block.left = Math.min(block.left, line.left);
    block.right = Math.max(block.right, line.right);
    block.bottom = Math.max(block.bottom, line.baseline);
  }
  return blocks;
}

function overlap(a: Block, b: Block): boolean {
  return a.left < b.right && b.left < a.right;
}
