import { isSameLine, leftOf, type PdfCell, type PdfLine, widthOf } from './pdf-lines.js';
import { DRAWN_RULE, rowsOfTable, type TableLine } from './pdf-table-rows.js';
import { rowsToTable } from './rows-to-table.js';

/** In font sizes: lines further apart belong to no common table. */
const MAX_LINE_DISTANCE = 3;
/** Lines of one cell may stand between two rows, but not a paragraph. */
const MAX_LINES_BETWEEN = 2;
const MIN_ROWS = 3;
/** A blank this much taller than the usual one between lines parts two tables. */
const TABLE_GAP = 1.9;
const WIDE_SHARE = 0.6;
/** A grid with fewer cells filled was no grid. */
const MIN_FILLED_SHARE = 0.5;
/** Formulas and the axes of figures have more cells of single signs. */
const MIN_WORDS_SHARE = 0.7;
/** In font sizes. */
const MIN_COLUMN_GAP = 0.4;
/** Headings over several columns may cross the gap between them. */
const MAX_CROSSING_SHARE = 0.2;
/** In characters: longer cells are lines of columns of prose. */
const MAX_CELL_LENGTH = 45;
/** Cells of this length may be lines of narrow columns, where many begin within a sentence. */
const MIN_PROSE_LENGTH = 25;
const WITHIN_SENTENCE_SHARE = 0.4;
/** Columns of shorter cells are a table even where they were drawn one after the other. */
const MIN_COLUMN_TEXT_LENGTH = 12;

/** A table in place of its pieces: it stands where its first one was drawn. */
export function withTables(fragments: readonly PdfLine[]): PdfLine[] {
  const upright = fragments.filter((fragment) => fragment.turn === 0);
  const places = new Map<PdfLine, PdfLine | null>();
  const drawn = new Map(fragments.map((fragment, index) => [fragment, index]));
  for (const run of runsOf(tableLinesOf(upright))) {
    const table = tableOrNull(run, drawn);
    if (table === null) continue;
    const pieces = new Set(run.flatMap((line) => line.fragments));
    const first = fragments.find((fragment) => pieces.has(fragment));
    for (const piece of pieces) places.set(piece, piece === first ? table : null);
  }
  return fragments.flatMap((fragment) => {
    const table = places.get(fragment);
    if (table === undefined) return [fragment];
    return table === null ? [] : [table];
  });
}

function tableLinesOf(fragments: readonly PdfLine[]): TableLine[] {
  const lines: TableLine[] = [];
  for (const fragment of fragments.toSorted((a, b) => a.baseline - b.baseline)) {
    const line = lines.at(-1);
    if (line !== undefined && isSameLine(line.fragments[0]!, fragment)) line.fragments.push(fragment);
    else lines.push({ baseline: fragment.baseline, height: fragment.height, fragments: [fragment] });
  }
  return lines;
}

/** Runs of lines near each other, most of which wide gaps divide; they begin and end with such a line. */
function runsOf(lines: readonly TableLine[]): TableLine[][] {
  const runs: TableLine[][] = [];
  let run: TableLine[] = [];
  let between: TableLine[] = [];
  const close = () => {
    if (run.length > 1) runs.push(run);
    run = [];
    between = [];
  };
  for (const line of lines) {
    const last = between.at(-1) ?? run.at(-1);
    const size = Math.max(line.height, last?.height ?? 0);
    if (last !== undefined && line.baseline - last.baseline > size * MAX_LINE_DISTANCE) close();
    if (line.fragments.every((fragment) => DRAWN_RULE.test(fragment.text))) {
      close();
      continue;
    }
    if (line.fragments.length > 1) {
      run.push(...between, line);
      between = [];
    } else if (run.length > 0) {
      between.push(line);
      if (between.length > MAX_LINES_BETWEEN || isWide(line, run.at(-1)!)) close();
    }
  }
  close();
  return runs.flatMap(parted);
}

/** A run in which two tables stand one below the other, as two. */
function parted(run: TableLine[]): TableLine[][] {
  const distances = run.slice(1).map((line, index) => line.baseline - run[index]!.baseline);
  const usual = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  const parts: TableLine[][] = [[]];
  for (const [index, line] of run.entries()) {
    const distance = distances[index - 1] ?? 0;
    if (distance > usual * TABLE_GAP) parts.push([]);
    parts.at(-1)!.push(line);
  }
  return parts;
}

/** A line as wide as the row above it is a heading or a paragraph between two tables. */
function isWide(line: TableLine, above: TableLine): boolean {
  return widthOf(line.fragments) > widthOf(above.fragments) * WIDE_SHARE;
}

function tableOrNull(run: readonly TableLine[], drawn: ReadonlyMap<PdfLine, number>): PdfLine | null {
  const cells = run.map(({ fragments }) => fragments.flatMap((fragment) => fragment.cells));
  const height = run[0]!.height;
  const gaps = gapsBetween(cells, height);
  const divided = run.filter(({ fragments }) => fragments.length > 1).length;
  if (gaps.length === 0 || divided < MIN_ROWS) return null;
  const rows = rowsOfTable(run, gaps);
  if (rows.length < MIN_ROWS || !looksLikeTable(rows)) return null;
  const all = run.flatMap(({ fragments }) => fragments);
  if (isDrawnByColumn(all, gaps, drawn) && textColumnsOf(rows, MIN_COLUMN_TEXT_LENGTH) > 1) return null;
  const left = leftOf(all);
  return {
    ...all[0]!,
    text: rowsToTable(rows),
    left,
    right: left + widthOf(all),
    baseline: run[0]!.baseline,
    isRow: true,
    isTable: true,
  };
}

/** Where no text of hardly any line stands: the middles of the gaps between columns, from left to right. */
function gapsBetween(rows: readonly (readonly PdfCell[])[], height: number): number[] {
  const allowed = Math.floor(rows.length * MAX_CROSSING_SHARE);
  const edges = rows
    .flat()
    .flatMap(({ left, right }) => [
      { at: left, step: 1 },
      { at: right, step: -1 },
    ])
    .toSorted((a, b) => a.at - b.at || b.step - a.step);
  const gaps: number[] = [];
  let covered = 0;
  let gapStart: number | null = null;
  for (const { at, step } of edges) {
    covered += step;
    if (step < 0 && covered <= allowed) gapStart ??= at;
    else if (step > 0 && covered > allowed && gapStart !== null) {
      if (at - gapStart >= height * MIN_COLUMN_GAP) gaps.push((at + gapStart) / 2);
      gapStart = null;
    }
  }
  return gaps;
}

/** Neither a table of contents, nor columns of prose, nor the labels of a figure or the parts of a formula. */
function looksLikeTable(rows: readonly (readonly string[])[]): boolean {
  const cells = rows.flat().filter((cell) => cell !== '');
  if (cells.filter((cell) => cell.includes('...')).length > rows.length / 2) return false;
  if (
    cells.filter((cell) => /[\p{L}\p{N}]{2}|^[\p{N}–-]$/u.test(cell)).length <
    cells.length * MIN_WORDS_SHARE
  )
    return false;
  const columns = columnsOf(rows);
  if (columns.filter((column) => column.length > 1).length < 2) return false;
  if (cells.length < rows.length * columns.length * MIN_FILLED_SHARE) return false;
  const isProse = (column: readonly string[]) =>
    medianLength(column) > MAX_CELL_LENGTH ||
    (medianLength(column) > MIN_PROSE_LENGTH &&
      column.filter((cell) => /^\p{Ll}/u.test(cell)).length > column.length * WITHIN_SENTENCE_SHARE);
  return columns.filter(isProse).length < 2;
}

/** Programs draw tables row by row, and columns of an index or of prose one after the other. */
function isDrawnByColumn(
  fragments: readonly PdfLine[],
  gaps: readonly number[],
  drawn: ReadonlyMap<PdfLine, number>,
): boolean {
  const columns = fragments
    .toSorted((a, b) => (drawn.get(a) ?? 0) - (drawn.get(b) ?? 0))
    .map((fragment) => gaps.filter((gap) => gap < fragment.left).length);
  const stays = columns.filter((column, index) => index > 0 && column === columns[index - 1]).length;
  return stays > columns.length / 2;
}

function textColumnsOf(rows: readonly (readonly string[])[], length: number): number {
  return columnsOf(rows).filter((column) => medianLength(column) > length).length;
}

/** What each column holds, without its empty cells. */
function columnsOf(rows: readonly (readonly string[])[]): string[][] {
  return rows[0]!.map((_, column) => rows.map((row) => row[column] ?? '').filter((cell) => cell !== ''));
}

function medianLength(cells: readonly string[]): number {
  return cells.map((cell) => cell.length).toSorted((a, b) => a - b)[Math.floor(cells.length / 2)] ?? 0;
}
