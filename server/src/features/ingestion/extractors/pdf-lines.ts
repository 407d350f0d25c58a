import { repairControls } from './decode-text.js';

/** A piece of text as the PDF draws it: PDF.js's text item, or the value of a form field. */
export interface PdfTextItem {
  str: string;
  dir: string;
  /** Along the direction of writing, in points. */
  width: number;
  /** Text space to page space (PDF 32000-1, 8.3.3). */
  transform: number[];
}

/** Text on one baseline. Coordinates are in points, turned so that the text runs to the right and y grows downward. */
export interface PdfLine {
  text: string;
  left: number;
  right: number;
  baseline: number;
  /** The size of its font. */
  height: number;
  /** How far the text is turned on the page, in degrees. */
  turn: number;
  /** Whether wide gaps divide it into cells. */
  isRow: boolean;
  /** A whole table, whose text is Markdown. */
  isTable: boolean;
  /** The level of the heading that the file's outline says it is; 0 for text. */
  headingLevel: number;
  /** Its pieces that blanks wider than those between words part. */
  cells: PdfCell[];
}

export interface PdfCell {
  text: string;
  left: number;
  right: number;
}

/** In font sizes: a smaller gap is kerning, a wider one parts cells or columns. */
const WORD_GAP = 0.15;
const CELL_GAP = 2;
/** What may part the cells of a narrow table, where all its rows agree. */
const PIECE_GAP = 0.6;
const BASELINE_TOLERANCE = 0.5;
/** A figure this much smaller than the one before it and above its baseline is raised. */
const RAISED_SIZE = 0.85;
const CELL_SEPARATOR = ' | ';

/** The page's text in drawing order, as pieces that no wide gap divides. */
export function fragmentsOf(items: readonly PdfTextItem[], pageTransform: readonly number[]): PdfLine[] {
  const fragments: PdfLine[] = [];
  const drawn = new Set<string>();
  let current: PdfLine | null = null;
  let isSpaced = false;
  for (const item of items) {
    const piece = placed(item, pageTransform);
    if (piece.text.trim() === '') {
      isSpaced ||= piece.text !== '';
      continue;
    }
    // Bold is sometimes faked by drawing the same text twice, a hair apart.
    const place = `${piece.text}@${Math.round(piece.left / 2)},${Math.round(piece.baseline / 2)},${piece.turn}`;
    if (drawn.has(place)) continue;
    drawn.add(place);
    if (
      current !== null &&
      item.dir !== 'ttb' &&
      isSameLine(current, piece) &&
      gapOf(current, piece) < CELL_GAP
    ) {
      append(current, piece, isSpaced ? ' ' : wordSeparator(current, piece));
    } else {
      current = piece;
      fragments.push(current);
    }
    isSpaced = false;
  }
  return fragments;
}

/** Joins neighbours in reading order that stand on one baseline, such as the cells of a row. */
export function joinRows(
  fragments: readonly PdfLine[],
  areApart: (a: PdfLine, b: PdfLine) => boolean,
): PdfLine[] {
  const lines: PdfLine[] = [];
  for (const fragment of fragments) {
    const last = lines.at(-1);
    const isAlone = last === undefined || last.isTable || fragment.isTable || !isSameLine(last, fragment);
    if (isAlone || areApart(last, fragment)) {
      lines.push({ ...fragment });
      continue;
    }
    const isCell = gapOf(last, fragment) >= CELL_GAP;
    append(last, fragment, isCell ? CELL_SEPARATOR : wordSeparator(last, fragment));
    last.isRow ||= isCell;
  }
  return lines;
}

/** Where the leftmost of the lines starts, in points. */
export function leftOf(lines: readonly PdfLine[]): number {
  return lines.reduce((least, line) => Math.min(least, line.left), Number.POSITIVE_INFINITY);
}

/** From there to where the rightmost ends, in points; 0 without lines. */
export function widthOf(lines: readonly PdfLine[]): number {
  const right = lines.reduce((most, line) => Math.max(most, line.right), Number.NEGATIVE_INFINITY);
  return Math.max(0, right - leftOf(lines));
}

function placed(item: PdfTextItem, page: readonly number[]): PdfLine {
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = item.transform;
  const [pageA = 1, pageB = 0, pageC = 0, pageD = -1, pageE = 0, pageF = 0] = page;
  const x = pageA * e + pageC * f + pageE;
  const y = pageB * e + pageD * f + pageF;
  const angle = Math.atan2(pageB * a + pageD * b, pageA * a + pageC * b);
  const degrees = Math.round((angle * 180) / Math.PI);
  const turn = (degrees + 360) % 360;
  const radians = (turn * Math.PI) / 180;
  const left = x * Math.cos(radians) + y * Math.sin(radians);
  const text = readable(item.str);
  const right = left + item.width;
  return {
    text,
    left,
    right,
    baseline: y * Math.cos(radians) - x * Math.sin(radians),
    height: Math.hypot(c, d) || Math.hypot(a, b) || 1,
    turn,
    isRow: false,
    isTable: false,
    headingLevel: 0,
    cells: [{ text, left, right }],
  };
}

const BULLET_GLYPHS = /[\uf0a7\uf0a8\uf0b7\uf0d8\uf06e\uf071\uf076\uf0fc\u25cf\u25aa\u25a0\u27a2]/g;

const RULE = /_{5,}/g;
const DOT_LEADER = /\s*(?:\.\s?){5,}/g;

/** Ligatures as the letters that they show; glyphs of symbol fonts as bullets, or not at all. */
function readable(text: string): string {
  return repairControls(text)
    .replace(/[\ufb00-\ufb06]/g, (ligature) => ligature.normalize('NFKC'))
    .replace(BULLET_GLYPHS, '•')
    .replace(/\p{Co}/gu, '')
    .replace(DOT_LEADER, ' ... ')
    .replace(RULE, '____');
}

/** Whether two pieces stand on one baseline, give or take a raised or lowered figure. */
export function isSameLine(a: PdfLine, b: PdfLine): boolean {
  if (a.turn !== b.turn) return false;
  return Math.abs(a.baseline - b.baseline) < BASELINE_TOLERANCE * Math.max(a.height, b.height);
}

/** The blank between two pieces on a line in font sizes, whichever comes first; infinite when b lies back inside a. */
function gapOf(a: PdfLine, b: PdfLine): number {
  const size = Math.min(a.height, b.height);
  const gap = Math.max(b.left - a.right, a.left - b.right) / size;
  return gap < -CELL_GAP ? Number.POSITIVE_INFINITY : gap;
}

function wordSeparator(a: PdfLine, b: PdfLine): string {
  if (/\s$/.test(a.text) || /^\s/.test(b.text)) return '';
  // A raised figure after a figure is a footnote mark or a power, and would make another number of it.
  const isRaised = b.height < a.height * RAISED_SIZE && a.baseline - b.baseline > 1;
  if (isRaised && /\d$/.test(a.text) && /^\d/.test(b.text)) return ' ';
  return gapOf(a, b) > WORD_GAP ? ' ' : '';
}

function append(line: PdfLine, piece: PdfLine, separator: string): void {
  // The size of a line is the size of most of it, not of a footnote mark.
  if (piece.text.length > line.text.length) {
    line.height = piece.height;
    line.baseline = piece.baseline;
  }
  const cell = line.cells.at(-1);
  if (cell === undefined || piece.left - cell.right > PIECE_GAP * Math.min(line.height, piece.height)) {
    line.cells.push(...piece.cells);
  } else {
    cell.text += separator + piece.text;
    cell.right = Math.max(cell.right, piece.right);
    cell.left = Math.min(cell.left, piece.left);
  }
  line.text += separator + piece.text;
  line.left = Math.min(line.left, piece.left);
  line.right = Math.max(line.right, piece.right);
}
