import { createXmlReader } from './read-xml.js';
import { refuseMalformed } from './refuse-file.js';
import { type CellFormat, plainNumber } from './xlsx-formats.js';
import type { ZipArchive } from './zip-archive.js';

/** The widest sheet that Excel opens. */
const MAX_COLUMNS = 16_384;

interface SheetReading {
  strings: readonly string[];
  /** By the number of a cell's style. */
  formats: readonly CellFormat[];
  onRow: (cells: readonly string[]) => void;
}

interface Cell {
  column: number;
  type: string;
  style: number;
  value: string;
}

/**
 * Reads the cells of a sheet row by row as they are shown (ECMA-376 part 1, 18.3.1): of formulas the value that was
 * kept with them. Hidden rows are read too: a
 * filter that was left on hides what is asked for. Only one row is held at a time.
 */
export function readSheet(
  archive: ZipArchive,
  part: string,
  { strings, formats, onRow }: SheetReading,
): void {
  let row: string[] = [];
  let cell: Cell | null = null;
  let isValue = false;
  let isPhonetic = false;
  const reader = createXmlReader({
    open: (name, attributes) => {
      isValue = name === 'v' || (name === 't' && !isPhonetic);
      if (name === 'row') row = [];
      else if (name === 'c') {
        const column = columnOf(attributes['r']) ?? row.length;
        cell = { column, type: attributes['t'] ?? 'n', style: Number(attributes['s'] ?? 0), value: '' };
      } else if (name === 'rPh') isPhonetic = true;
    },
    text: (text) => {
      if (isValue && cell !== null) cell.value += text;
    },
    close: (name) => {
      isValue = false;
      if (name === 'c' && cell !== null) {
        const text = textOf(cell, strings, formats);
        if (text !== '') {
          while (row.length < cell.column) row.push('');
          row[cell.column] = text;
        }
        cell = null;
      } else if (name === 'row') {
        onRow(row);
      } else if (name === 'rPh') isPhonetic = false;
    },
  });
  if (archive.stream(part, reader.write)) reader.end();
}

function textOf(
  { type, value, style }: Cell,
  strings: readonly string[],
  formats: readonly CellFormat[],
): string {
  if (value === '') return '';
  if (type === 's') return strings[Number(value)] ?? '';
  if (type === 'b') return value === '1' || value === 'true' ? 'TRUE' : 'FALSE';
  if (type === 'd') return value.replace(/T00:00(?::00(?:\.0+)?)?Z?$/, '').replace('T', ' ');
  if (type !== 'n') return value;
  const number = Number(value);
  return Number.isFinite(number) ? (formats[style] ?? plainNumber)(number) : value;
}

/** From a reference such as `BC12`, counted from 0. */
function columnOf(reference: string | undefined): number | null {
  const letters = /^[A-Z]{1,3}/i.exec(reference ?? '')?.[0].toUpperCase();
  if (letters === undefined) return null;
  let column = 0;
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64;
  if (column > MAX_COLUMNS) refuseMalformed('a cell lies outside of every sheet');
  return column - 1;
}
