import { refuseTooLarge } from './refuse-file.js';
import { onOneLine, rowToLines } from './row-to-lines.js';

/** How many rows are looked at before the names of the columns are settled. */
const LOOKED_AT_ROWS = 20;
/** More columns are a sheet used as a canvas. */
const MAX_COLUMNS = 1_000;
const MAX_CHARACTERS = 50 * 1024 * 1024;
const NUMBER_LIKE = /^[-+(]?[\p{Sc}\s]*\d[\d\s.,:/%'’eE+-]*[\p{Sc}%)]?$/u;

export interface RowWriter {
  write: (row: readonly string[]) => void;
  /** The lines of all rows, or an empty text. */
  end: () => string;
}

/**
 * Writes the rows of a table as a list in which each says the names of its columns, so that every row is
 * understood alone, wherever it is cut out: `- Name: Anna; City: Berlin`. Empty cells are left out.
 * @throws SourceError `too_large` for more text than any document may hold.
 */
export function createRowWriter(): RowWriter {
  const lines: string[] = [];
  let characters = 0;
  let waiting: string[][] | null = [];
  let names: readonly string[] = [];
  const add = (line: string) => {
    characters += line.length + 1;
    if (characters > MAX_CHARACTERS) refuseTooLarge('The table holds more text than can be read');
    lines.push(line);
  };
  const settle = (rows: readonly string[][]) => {
    const head = headIndex(rows);
    names = rows[head] ?? [];
    const above = rows.slice(0, Math.max(0, head));
    for (const row of above) add(row.filter((cell) => cell !== '').join(' '));
    if (above.length > 0) add('');
    for (const row of rows.slice(head + 1)) for (const line of rowToLines(row, names)) add(line);
    waiting = null;
  };
  return {
    write: (row) => {
      const cells = row.slice(0, MAX_COLUMNS).map(onOneLine);
      if (cells.every((cell) => cell === '')) return;
      if (waiting === null) {
        for (const line of rowToLines(cells, names)) add(line);
        return;
      }
      waiting.push(cells);
      if (waiting.length === LOOKED_AT_ROWS) settle(waiting);
    },
    end: () => {
      if (waiting !== null) settle(waiting);
      return lines.join('\n');
    },
  };
}

/** The row that names the columns: the first as full as the rows below it, and all words. -1 where none does. */
function headIndex(rows: readonly string[][]): number {
  const fullness = rows.map((row) => row.filter((cell) => cell !== '').length);
  const usual = fullness.toSorted((a, b) => a - b)[Math.floor(fullness.length / 2)] ?? 0;
  const index = fullness.findIndex((count) => count >= usual);
  const cells = (rows[index] ?? []).filter((cell) => cell !== '');
  const isHead =
    index < rows.length - 1 &&
    cells.every((cell) => !NUMBER_LIKE.test(cell)) &&
    new Set(cells).size === cells.length;
  return isHead ? index : -1;
}
