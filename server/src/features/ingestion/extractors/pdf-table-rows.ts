import type { PdfCell, PdfLine } from './pdf-lines.js';

/** All that stands on one baseline. */
export interface TableLine {
  baseline: number;
  height: number;
  fragments: PdfLine[];
}

/** In font sizes: a line closer to the one above may go on with its cells. */
const MAX_WRAP_DISTANCE = 1.5;
/** The distance between rows is this much wider than that between the lines of a cell. */
const ROW_TO_LINE_DISTANCE = 1.3;
/** Lines of the grid, where they were drawn with letters. */
export const DRAWN_RULE = /^[\s|¦_]+$/;
const MIN_SHARE_OF_ROWS = 0.4;

/** The rows of a table: what a line holds in each column between the gaps; cells of several lines joined. */
export function rowsOfTable(lines: readonly TableLine[], gaps: readonly number[]): string[][] {
  const rows: string[][] = [];
  const isClose = closeness(lines);
  for (const [index, line] of lines.entries()) {
    const cells = cellsOf(line, gaps);
    const previous = rows.at(-1);
    const above = lines[index - 1];
    if (previous !== undefined && above !== undefined) {
      const distance = line.baseline - above.baseline;
      if (isClose(distance) || goesOn(cells, previous, distance / line.height)) {
        for (const [column, cell] of cells.entries()) {
          previous[column] = `${previous[column] ?? ''} ${cell}`.trim();
        }
        continue;
      }
    }
    rows.push(cells);
  }
  return rows;
}

function cellsOf({ fragments }: TableLine, gaps: readonly number[]): string[] {
  const cells = Array.from({ length: gaps.length + 1 }, () => '');
  const pieces: PdfCell[] = fragments
    .flatMap((fragment) => fragment.cells)
    .filter((piece) => !DRAWN_RULE.test(piece.text));
  for (const piece of pieces.toSorted((a, b) => a.left - b.left)) {
    const middle = (piece.left + piece.right) / 2;
    // What crosses a gap stands in the column that it begins in.
    const place = gaps.some((gap) => piece.left < gap && gap < piece.right) ? piece.left : middle;
    const column = gaps.filter((gap) => gap < place).length;
    cells[column] = `${cells[column] ?? ''} ${piece.text.trim()}`.trim();
  }
  return cells;
}

/** A line near the row above that says nothing in the first column, and less than that row, goes on with it. */
function goesOn(cells: readonly string[], previous: readonly string[], distance: number): boolean {
  const filled = (row: readonly string[]) => row.filter((cell) => cell !== '').length;
  return cells[0] === '' && filled(cells) < filled(previous) && distance < MAX_WRAP_DISTANCE;
}

/** Where rows stand clearly further apart than some lines, those lines are parts of cells. */
function closeness(lines: readonly TableLine[]): (distance: number) => boolean {
  const distances = lines.slice(1).map((line, index) => line.baseline - lines[index]!.baseline);
  const least = distances.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const far = distances.filter((distance) => distance > least * ROW_TO_LINE_DISTANCE).length;
  const isParted = far >= 2 && far >= distances.length * MIN_SHARE_OF_ROWS;
  const isLineDistance = least < (lines[0]?.height ?? 0) * MAX_WRAP_DISTANCE;
  return (distance) => isParted && isLineDistance && distance < least * ((1 + ROW_TO_LINE_DISTANCE) / 2);
}
